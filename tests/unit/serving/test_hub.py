"""What fetches from a hub, run with a library that is made up: what it asks for, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
from huggingface_hub import errors
def snapshot_download(repo_id, **asked):
    with open(os.environ["ASKED"], "w") as out:
        json.dump([repo_id, asked], out)
    if (name := os.environ["ANSWER"]):
        raise getattr(errors, name)("403 Client Error. (Request ID: Root=1-2;3)")
"""
TOKEN = "hf_very_secret"


def fetched(folder: Path, answer: str = "", token: str = "") -> subprocess.CompletedProcess[str]:
    package = folder / "huggingface_hub"
    package.mkdir()
    (package / "errors.py").write_text(ERRORS)
    (package / "__init__.py").write_text(LIBRARY)
    environment = {"PYTHONPATH": str(folder), "WORK": "/models/work", "ASKED": str(folder / "asked.json")}
    return subprocess.run(
        [sys.executable, "-c", render.file("serving/hub.py").decode(), "org/llama", COMMIT],
        env={**environment, "ANSWER": answer, **({"HF_TOKEN": token} if token else {})},
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
            "ignore_patterns": ["original/**/*"],
        },
    ]


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
    tmp_path: Path, answer: str, token: str, said: str
) -> None:
    ended = fetched(tmp_path, answer, token)

    assert (ended.returncode, ended.stdout, ended.stderr) == (65, "", f"{said}\n")


def test_a_hub_that_does_not_answer_is_tried_again(tmp_path: Path) -> None:
    assert fetched(tmp_path, "HfHubHTTPError").returncode == 1
