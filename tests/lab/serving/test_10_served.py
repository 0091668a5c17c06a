"""A model from bare hosts: verified, asked from outside with its key, and left alone by every later run."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace

from deploy.cli.question import question
from deploy.lab import served
from tests.lab.serving.models import broken, endpoint, findings, stored, tokens
from tests.lab.site import SLIPWAY, Site

# the store, the registry, the models: each by an active verify and by what the API shows
PROVEN = {
    *("S3-02", "S3-04"),
    *("REG-01", "REG-02", "REG-05", "REG-06", "REG-07", "REG-08", "REG-09"),
    *("KIT-01", "KIT-02"),
    *("SRV-04", "SRV-06", "SRV-07", "SRV-08", "SRV-09", "SRV-10"),
}


def test_verify_proves_store_registry_and_model(llm: Site) -> None:
    found = findings(llm)

    assert broken(found) == {}
    assert {check for (check, _), each in found.items() if each["status"] == "pass"} >= PROVEN
    asked = endpoint(llm)
    assert found["SRV-04", None]["found"] == f"tiny at {asked.address} (dummy weights, cpu): 16 tokens"
    assert found["SRV-09", None]["found"] == (
        "tiny: without a key status 401, with a wrong one status 401, /invocations status 404"
    )


def test_a_second_apply_changes_nothing_and_drift_is_clean(llm: Site) -> None:
    assert "0 changes." in llm.ok("apply", "--yes")
    assert llm.plan(code=0) == []

    llm.ok("drift")


def test_a_model_answers_who_has_its_key_and_nobody_else(llm: Site) -> None:
    asked = endpoint(llm)

    assert tokens(asked) == 8
    body = {"model": "tiny", "prompt": "Hello", "max_tokens": 8}
    assert replace(asked, key=None).post("/v1/completions", body).status == 401
    assert replace(asked, key="slipway-wrong-key").post("/v1/completions", body).status == 401


def test_paths_where_vllm_asks_for_no_key_are_not_there(llm: Site) -> None:
    asked = replace(endpoint(llm), key=None)
    body = {"model": "tiny", "prompt": "Hello", "max_tokens": 8}

    assert {path: asked.post(path, body).status for path in ("/invocations", "/tokenize", "/score")} == {
        "/invocations": 404,
        "/tokenize": 404,
        "/score": 404,
    }
    closed = ("/version", "/ping", "/docs", "/openapi.json", "/v1")
    assert {path: asked.get(path).status for path in closed} == dict.fromkeys(closed, 404)
    assert {asked.get(path).status for path in ("/health", "/metrics")} == {200}


def test_a_chat_is_streamed_to_its_end(llm: Site) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    body = {"model": "tiny", "messages": messages, "max_tokens": 16, "ignore_eos": True}

    found = endpoint(llm).stream("/v1/chat/completions", body)

    assert (found.cause, found.ended) == ("", True)
    assert found.pieces > 1


def test_the_lines_that_a_lab_prints_get_an_answer(llm: Site) -> None:
    [tiny] = served.served(llm.lab, "n1")
    _, *lines = question(tiny.model, tiny.address, tiny.key)
    path = f"{SLIPWAY.parent}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        timeout=400,
        env=os.environ | {"PATH": path},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["usage"]["completion_tokens"] > 0


def test_a_bench_measures_every_level_and_says_that_it_was_a_processor(llm: Site) -> None:
    said = llm.ok(
        *("bench", "tiny", "--clients", "1,2", "--seconds", "3"), *("--output-tokens", "32", "-o", "json")
    )

    run = json.loads(said)
    assert (run["cluster"], run["model"], run["about"]) == ("test-llm", "tiny", "dummy weights, CPU")
    assert [level["load"] for level in run["levels"]] == [
        {"clients": 1, "rate": None},
        {"clients": 2, "rate": None},
    ]
    for level in run["levels"]:
        assert level["failed"] == {}
        assert level["output_tokens"] == 32 * level["answered"] > 0
        for spread in ("first_token", "inter_token", "end_to_end"):
            assert 0 < level[spread]["p50"] <= level[spread]["p99"]


def test_what_the_readme_says_puts_a_folder_where_a_model_finds_it(llm: Site) -> None:
    said = stored(
        llm,
        "echo {} > config.json",
        "readme",
        "rclone cat :s3:models/readme/config.json",
        "rclone deletefile :s3:models/readme/config.json",
    )

    # kubectl says there, too, of each connection that it hands on
    assert "{}" in said.splitlines(), said
