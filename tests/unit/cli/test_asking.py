"""Asking a person takes nothing from what goes on meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import gevent
import pytest

import deploy.cli  # noqa: F401 - gevent's patches
from deploy.cli import main
from deploy.cli.asking import DeclinedError, consent


@contextmanager
def person(types: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody who types after half a second."""
    reading, writing = os.pipe()
    typing = subprocess.Popen(["sh", "-c", f"sleep 0.5; printf '{types}'"], stdout=writing)
    os.close(writing)
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield
    typing.wait()


def test_signs_of_life_go_on_while_a_person_thinks(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[int] = []

    def beat() -> None:
        while True:
            beats.append(1)
            gevent.sleep(0.05)

    with person("y\\n", monkeypatch):
        beating = gevent.spawn(beat)
        consent("Apply this?")
        beating.kill()

    assert len(beats) > 1


@pytest.mark.parametrize("types", ["n\\n", "\\n", ""])
def test_no_changes_nothing_and_leaves_the_changes_pending(
    types: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with person(types, monkeypatch):
        assert main.exit_code(lambda: consent("Apply this?")) == 5

    assert capsys.readouterr() == ("Apply this? [y/N]: ", "Nothing was changed.\n")


def test_what_is_no_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with person("what\\n", monkeypatch), pytest.raises(DeclinedError):
        consent("Apply this?")

    assert capsys.readouterr().out == "Apply this? [y/N]: Please answer y or n.\nApply this? [y/N]: "


def test_an_interrupted_question_is_quiet() -> None:
    code = (
        "import sys; from deploy.cli import main; from deploy.cli.asking import consent\n"
        "sys.exit(main.exit_code(lambda: consent('Apply this?')))"
    )
    pipe = subprocess.PIPE
    listens = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # in a shell's background nobody does
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, preexec_fn=listens) as run:
        assert run.stdout
        assert run.stderr
        assert run.stdout.read(len("Apply this?")) == b"Apply this?"
        time.sleep(1)
        run.send_signal(signal.SIGINT)

        assert run.wait(timeout=30) == 130
        assert run.stderr.read().decode() == f"{main.GOES_ON}\n"
