"""What fetches from a hub, run with a library that is made up: what it asks for, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from deploy import render

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ERRORS = """
class HfHubHTTPError(OSError): pass
class RepositoryNotFoundError(HfHubHTTPError): pass
class GatedRepoError(RepositoryNotFoundError): pass
class RevisionNotFoundError(HfHubHTTPError): pass
"""  # as huggingface_hub/errors.py has them
LIBRARY = """
import json, os
from types import SimpleNamespace
from huggingface_hub import errors
def answer(place):
    if (name := os.environ["ANSWER"]) and os.environ["AT"] == place:
        raise getattr(errors, name)("403 Client Error. (Request ID: Root=1-2;3)")
def model_info(repo_id, *, revision, token):
    assert len(revision) == 40
    answer("list")
    names = json.loads(os.environ["FILES"])
    return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in names])
def snapshot_download(repo_id, **asked):
    with open(os.environ["ASKED"], "w") as out:
        json.dump([repo_id, asked], out)
    answer("download")
"""
KEPT = ["config.json", "tokenizer.json", "model.safetensors", "consolidated.safetensors", "code/more.py"]
"""The engine's, whichever of the two formats its arguments choose."""
NEVER = ["original/consolidated.00.pth", "original/model.safetensors", "metal/model.bin", "onnx/model.onnx"]
NEVER += ["tf_model.h5", "flax_model.msgpack", "rust_model.ot"]
OLDER = ["pytorch_model-00001-of-00002.bin", "consolidated.00.pth", "model-q4.gguf"]
TOKEN = "hf_very_secret"


def fetched(
    folder: Path,
    *include: str,
    answer: str = "",
    at: str = "download",
    token: str = "",
    files: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    package = folder / "huggingface_hub"
    package.mkdir(exist_ok=True)
    (package / "errors.py").write_text(ERRORS)
    (package / "__init__.py").write_text(LIBRARY)
    answers = {"ANSWER": answer, "AT": at, "FILES": json.dumps(files)}
    environment = {"PYTHONPATH": str(folder), "WORK": "/models/work", "ASKED": str(folder / "asked.json")}
    return subprocess.run(
        [sys.executable, "-c", render.file("serving/hub.py").decode(), "org/llama", COMMIT, *include],
        env={**environment, **answers, **({"HF_TOKEN": token} if token else {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("token", ["", TOKEN])
def test_exactly_the_commit_is_asked_for_with_the_token_where_there_is_one(
    tmp_path: Path, token: str
) -> None:
    done = fetched(tmp_path, token=token)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert json.loads((tmp_path / "asked.json").read_text()) == [
        "org/llama",
        {
            "revision": COMMIT,
            "local_dir": "/models/work",
            "token": token or None,
            "allow_patterns": None,
            "ignore_patterns": ["original/*", "metal/*", "onnx/*", "*.onnx", "*.h5", "*.msgpack", "*.ot"],
        },
    ]


def left_of(asked: dict[str, Any], files: Sequence[str]) -> list[str]:
    """Return what the library would fetch (huggingface_hub utils/_paths.py, filter_repo_objects)."""
    allowed = asked["allow_patterns"] or ["*"]
    kept = [name for name in files if any(fnmatchcase(name, each) for each in allowed)]
    return [
        name for name in kept if not any(fnmatchcase(name, each) for each in asked["ignore_patterns"] or ())
    ]


def test_weights_are_fetched_in_the_formats_that_the_engine_reads_alone(tmp_path: Path) -> None:
    def came(*files: str) -> list[str]:
        assert fetched(tmp_path, files=files).returncode == 0
        return left_of(json.loads((tmp_path / "asked.json").read_text())[1], files)

    assert came(*KEPT, *NEVER, *OLDER) == KEPT
    assert came("config.json", "original/model.safetensors", *OLDER) == ["config.json", *OLDER]


def test_what_is_to_be_fetched_can_be_named(tmp_path: Path) -> None:
    files = [*KEPT, *NEVER, *OLDER]

    assert fetched(tmp_path, "*.json", "metal/*", files=files).returncode == 0

    asked = json.loads((tmp_path / "asked.json").read_text())[1]
    assert left_of(asked, files) == ["config.json", "tokenizer.json", "metal/model.bin"]


@pytest.mark.parametrize("at", ["list", "download"])
@pytest.mark.parametrize(
    ("answer", "token", "said"),
    [
        (
            "GatedRepoError",
            "",
            (
                "org/llama is gated, and the hub does not give it without a token; name one as"
                " models[].source.token"
            ),
        ),
        (
            "GatedRepoError",
            TOKEN,
            (
                "org/llama is gated, and the hub does not give it with this token; renew it, or accept the"
                " model's licence with its account"
            ),
        ),
        (
            "RepositoryNotFoundError",
            "",
            (
                "the hub shows no repository org/llama without a token; name one as models[].source.token, or"
                " look at its name"
            ),
        ),
        ("RevisionNotFoundError", "", f"org/llama has no commit {COMMIT}"),
    ],
)
def test_a_refusal_ends_at_once_and_says_what_to_do(
    tmp_path: Path, answer: str, token: str, said: str, at: str
) -> None:
    ended = fetched(tmp_path, answer=answer, at=at, token=token)

    assert (ended.returncode, ended.stdout, ended.stderr) == (65, "", f"{said}\n")


@pytest.mark.parametrize("at", ["list", "download"])
def test_a_hub_that_does_not_answer_is_tried_again(tmp_path: Path, at: str) -> None:
    assert fetched(tmp_path, answer="HfHubHTTPError", at=at).returncode == 1
