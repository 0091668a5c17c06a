from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
import pytest

import deploy.cli  # noqa: F401 - gevent's patches
from deploy.cli import main
from deploy.errors import InventoryError, UnreachableError

SLIPWAY = str(Path(sys.executable).with_name("slipway"))


def raising(error: BaseException) -> Callable[[], object]:
    def call() -> object:
        raise error

    return call


def test_every_verb_is_listed_and_none_is_imported() -> None:
    code = (
        "import sys; from deploy.cli import main\n"
        "assert main.exit_code(lambda: main.slipway.main(['--help'], standalone_mode=False)) == 0\n"
        "loaded = [name for name in sys.modules if name.startswith('deploy.cli.')]\n"
        "print(loaded, [name for name in ('paramiko', 'pyinfra', 'pydantic') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[-1] == "['deploy.cli.main'] []"
    for verb in main.VERBS:
        assert f"  {verb} " in ran.stdout


def test_every_verb_can_be_called_for_help() -> None:
    for verb in main.VERBS:
        command = main.slipway.get_command(click.Context(main.slipway), verb)
        assert isinstance(command, click.Command), verb
        assert command.name == verb


@pytest.mark.parametrize(
    ("verb", "said"),
    [("fly", "No such command 'fly'."), ("explian", "No such command 'explian'; did you mean explain?")],
)
def test_an_unknown_verb_is_a_usage_error(verb: str, said: str) -> None:
    ran = subprocess.run([SLIPWAY, verb], capture_output=True, text=True, check=False)

    assert ran.returncode == 2
    assert ran.stderr == (
        f"Usage: slipway [OPTIONS] COMMAND [ARGS]...\nTry 'slipway --help' for help.\n\nError: {said}\n"
    )


@pytest.mark.parametrize(
    ("error", "code"), [(InventoryError("lab.yaml is empty"), 2), (UnreachableError("w1: no answer"), 6)]
)
def test_an_operators_error_is_its_text_and_its_code(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.exit_code(raising(error)) == code
    assert capsys.readouterr().err == f"{error}\n"


def test_an_error_that_tells_what_a_host_said_obeys_it_in_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main.exit_code(raising(UnreachableError("w1: \x1b[2J\x9b31m\rno\tanswer\nat all")))

    assert capsys.readouterr().err == "w1: [2J31mno\tanswer\nat all\n"


def test_a_mistake_of_ours_is_two_lines_and_a_file_with_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert main.exit_code(raising(KeyError("spam"))) == 1

    [path] = tmp_path.iterdir()
    assert capsys.readouterr().err == (
        f"A mistake of slipway itself: KeyError: 'spam'\nThe traceback is in {path}.\n"
    )
    assert "Traceback (most recent call last)" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "/root/.local/state"),
            (
                "/root/.local/state: Permission denied; wanted a place that you may write to; XDG_STATE_HOME"
                " and XDG_CACHE_HOME name where slipway keeps things\n"
            ),
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "the output: No space left on device; make room on this machine\n",
        ),
    ],
)
def test_what_this_machine_refuses_is_no_mistake_of_ours(
    error: OSError, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.exit_code(raising(error)) == 3
    assert capsys.readouterr().err == said


def test_a_file_of_ours_that_is_not_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    assert main.exit_code(raising(FileNotFoundError(errno.ENOENT, "No such file", "templates/x.j2"))) == 1


def test_the_traceback_is_shown_to_who_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_DEBUG", "1")

    assert main.exit_code(raising(KeyError("spam"))) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_says_that_running_again_goes_on(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.exit_code(raising(error)) == 130
    assert capsys.readouterr().err == (
        "\nInterrupted. What is done stays done; running the same command again goes on.\n"
    )


RUN = """
import sys, gevent
from deploy.cli import main

def work():
    try:
        print("begun", flush=True)
        while True:  # a signal just before the loop sleeps is seen when it wakes
            gevent.sleep(0.1)
    finally:
        print("cleaning")
        open(sys.argv[1], "w").close()

main.listen()
sys.exit(main.exit_code(work))
"""


def ended(number: signal.Signals, before: signal.Handlers, log: Path) -> tuple[int, str, bool]:
    """Send a signal to a run; return its code, its stderr, and whether it cleaned up."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", RUN, str(log)]
    starts = partial(signal.signal, number, before)
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, preexec_fn=starts) as run:
        assert run.stdout
        assert run.stdout.read(len("begun")) == b"begun"
        run.send_signal(number)
        try:
            _, err = run.communicate(timeout=3 if before is signal.SIG_IGN else 30)
        finally:
            run.kill()
        return run.returncode, err.decode(), log.exists()


def test_being_ended_cleans_up_as_an_interruption_does(tmp_path: Path) -> None:
    said = f"{main.GOES_ON}\n"

    assert ended(signal.SIGTERM, signal.SIG_DFL, tmp_path / "log") == (130, said, True)


def test_a_terminal_that_went_away_is_told_nothing_and_all_is_cleaned_up(tmp_path: Path) -> None:
    assert ended(signal.SIGHUP, signal.SIG_DFL, tmp_path / "log") == (130, "", True)


def test_what_nohup_starts_goes_on_without_its_terminal(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        ended(signal.SIGHUP, signal.SIG_IGN, tmp_path / "log")


def test_a_reader_that_went_away_is_no_drama() -> None:
    with subprocess.Popen([SLIPWAY, "explain"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stderr
        writer.stdout.close()

        assert writer.stderr.read() == b""


def test_the_version_is_told() -> None:
    ran = subprocess.run([SLIPWAY, "--version"], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (0, "slipway, version 0.1.0\n")
