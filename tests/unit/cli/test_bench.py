from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from tests.unit.cli.called import slipway
from tests.unit.load.server import KEY, Behaviour, serving

ROOT = Path(__file__).parents[3]
QUICK = ("--clients", "1,2", "--requests", "4", "--warm-up", "0", "--key-env", "THE_KEY")
CALL = "from deploy.cli.main import main; main()"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_KEY", KEY)


def test_a_run_is_printed_kept_drawn_and_compared_with_the_next(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept, page = tmp_path / "run.json", tmp_path / "run.html"
    with serving(Behaviour(tokens=3)) as server:
        first = slipway(
            "bench", inventory, "tiny", "--url", server.url, *QUICK, "--save", kept, "--page", page
        )
        printed = capsys.readouterr()
        again = ("bench", inventory, "tiny", "--url", server.url, *QUICK, "--compare", kept, "-o", "json")
        second = slipway(*again)
        document = json.loads(capsys.readouterr().out)

    assert (first, second) == (0, 0)
    assert printed.out.startswith(
        f"tiny at {server.url}: prompts of 32 words, answers of up to 64 tokens\n\nload "
    )
    assert json.loads(kept.read_text())["schema_version"] == 1
    assert page.read_text().count("<svg") == 4
    assert [each["load"] for each in document["levels"]] == [
        {"clients": 1, "rate": None},
        {"clients": 2, "rate": None},
    ]
    assert [each["answered"] for each in document["levels"]] == [4, 4]
    assert len(document["compared"]) == 18
    for text in (printed.out, printed.err, kept.read_text(), page.read_text(), json.dumps(document)):
        assert KEY not in text


def test_a_rate_alone_has_no_clients(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--rate", "50,20", "--requests", "3", "--key-env", "THE_KEY", "--ignore-eos", "-o", "json")
    with serving(Behaviour()) as server:
        assert slipway("bench", inventory, "tiny", "--url", server.url, *options) == 0

    document = json.loads(capsys.readouterr().out)
    assert [each["load"] for each in document["levels"]] == [
        {"clients": None, "rate": 50.0},
        {"clients": None, "rate": 20.0},
    ]
    assert len(server.asked) == 1 + 2 * (1 + 3)
    assert all(each["ignore_eos"] for each in server.asked)


def test_worse_by_more_than_allowed_is_exit_3(inventory: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run.json"
    few = ("--key-env", "THE_KEY", "--clients", "1", "--requests", "2")
    with serving(Behaviour()) as server:
        assert slipway("bench", inventory, "tiny", "--url", server.url, *few, "--save", kept) == 0
    with serving(Behaviour(first=0.6)) as server:
        arguments = ("bench", inventory, "tiny", "--url", server.url, *few, "--compare", kept)
        assert slipway(*arguments) == 0
        assert slipway(*arguments, "--fail-over", "10%") == 3


def test_a_level_that_nobody_answered_is_exit_3(inventory: Path) -> None:
    with serving(lambda number: Behaviour(status=200 if number == 0 else 503)) as server:
        assert slipway("bench", inventory, "tiny", "--url", server.url, *QUICK, "--seconds", "0.5") == 3


def test_a_wrong_key_is_said_before_anything_is_measured(
    inventory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("THE_KEY", "wrong")
    with serving(Behaviour()) as server:
        assert slipway("bench", inventory, "tiny", "--url", server.url, *QUICK) == 3
        assert slipway("bench", inventory, "tiny", "--url", server.url) == 3

    assert server.asked == []
    assert capsys.readouterr().err == (
        f"{server.url}: HTTP 401: Unauthorized; the key is not the server's\n"
        f"{server.url}: HTTP 401: Unauthorized; no key was given\n"
    )


def test_a_first_request_that_fails_ends_the_run(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    too_long = '{"error": {"message": "maximum context length is 256 tokens"}}'
    with serving(Behaviour(status=400, body=too_long)) as server:
        assert slipway("bench", inventory, "tiny", "--url", server.url, *QUICK) == 3

    assert capsys.readouterr().err == (
        f"{server.url}: HTTP 400: maximum context length is 256 tokens; nothing was measured\n"
    )


def test_another_model_and_nobody_there_are_told_apart(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Behaviour()) as server:
        assert slipway("bench", inventory, "big", "--url", server.url, *QUICK) == 3
    assert slipway("bench", inventory, "big", "--url", "http://127.0.0.1:1") == 6

    assert capsys.readouterr().err == (
        f"{server.url} serves tiny; there is no big\n"
        "http://127.0.0.1:1: no connection: Connection refused. "
        "This machine must be able to reach that address\n"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "{inventory} has no model tiny; it has none\n"),
        (("--url", "host:80"), "host:80 is not an address of a server; wanted is http(s)://HOST[:PORT][/PATH]\n"),
        (("--url", "http://h", "--key-env", "NO_SUCH"),
         "--key-env NO_SUCH: there is no such environment variable, or it is empty\n"),
        (("--page", "/no/such/x.html"), "--page /no/such/x.html: there is no directory /no/such\n"),
        (("--key-env", "THE_KEY", "--fail-over", "10%"),
         "--key-env is for --url; --fail-over is for --compare\n"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_said_first(
    inventory: Path, options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slipway("bench", inventory, "tiny", *options) == 2
    assert capsys.readouterr().err == said.format(inventory=inventory)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--clients", "1.5"), "'--clients': 1.5: wanted are whole numbers above 0, as 1,4"),
        (("--rate", "0"), "'--rate': 0: wanted are numbers above 0, as 1,4"),
        (("--fail-over", "much"), "'--fail-over': much: wanted is a percentage such as 10%"),
    ],
)
def test_an_option_that_is_none_is_explained(
    inventory: Path, options: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slipway("bench", inventory, "tiny", *options) == 2
    assert capsys.readouterr().err.endswith(f"Error: Invalid value for {said}\n")


def test_a_saved_run_that_cannot_be_compared_is_refused_before_any_load(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "run.json"
    with serving(Behaviour()) as server:
        slipway("bench", inventory, "tiny", "--url", server.url, *QUICK, "--save", kept)
        count = len(server.asked)
        other = ("--compare", kept, "--output-tokens", "8")
        assert slipway("bench", inventory, "tiny", "--url", server.url, *QUICK, *other) == 2

    assert len(server.asked) == count
    assert capsys.readouterr().err == (
        "the saved run can't be compared with: output_tokens was 64 and is 8\n"
    )


def test_control_c_prints_what_there_is(inventory: Path, tmp_path: Path) -> None:
    kept = tmp_path / "run.json"
    with serving(Behaviour(first=0.02)) as server:
        arguments = ["bench", str(inventory), "tiny", "--url", server.url, "--key-env", "THE_KEY"]
        process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                CALL,
                *arguments,
                "--clients",
                "2,4",
                "--seconds",
                "60",
                "--save",
                str(kept),
            ],
            cwd=ROOT,
            env={**os.environ, "THE_KEY": KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        )
        until = time.monotonic() + 60
        while len(server.asked) < 10 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (130, "")
    assert out.endswith("Interrupted: the last level is cut short, and what was under way is not counted.\n")
    document = json.loads(kept.read_text())
    assert document["interrupted"]
    assert document["levels"][0]["answered"] >= 1
    assert document["levels"][0]["failed"] == {}
