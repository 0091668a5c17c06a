from __future__ import annotations

import errno
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.engine import log
from deploy.engine.link import Ran
from deploy.engine.masking import masked
from deploy.model import paths
from tests.unit.full_disk import no_room_beyond

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("join --token abcdef.0123456789abcdef now", "join --token *MASKED* now"),
        (f"before\n{KEY}\nafter", "before\n*MASKED*\nafter"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut off", "*MASKED*"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer *MASKED*"),
        ("init --certificate-key 0011 --x", "init --certificate-key *MASKED* --x"),
        ("client-key-data: S0VZ", "client-key-data: *MASKED*"),
        ("v1.36.3 of kubelet at 10.0.0.1", "v1.36.3 of kubelet at 10.0.0.1"),
        ("sha256 0123456789abcdef", "sha256 0123456789abcdef"),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_log_is_its_owners_and_holds_no_output_of_what_succeeded() -> None:
    with log.open_log("test", "plan") as path:
        log.command_ran("w1", "cat secret", Ran(0, "hunter2", "", 0.5))
        log.command_ran("w1", "join abcdef.0123456789abcdef", Ran(1, "hunter2", "no such thing\n", 0.25))
        logging.getLogger("pyinfra").warning("careful")

    lines = [line.split(" ", 1)[1] for line in path.read_text().splitlines()]
    assert lines == [
        "I [w1] 0.500s rc=0 cat secret",
        "I [w1] 0.250s rc=1 join *MASKED*",
        "I [w1] said: no such thing",
        "W careful",
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.name.endswith(".log")


def test_old_logs_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "KEPT", 2)
    for _ in range(4):
        with log.open_log("test", "plan") as path:
            path.rename(path.with_name(f"{path.name[:-4]}-{len(list(path.parent.iterdir()))}.log"))

    assert len(list(path.parent.iterdir())) == 2


def test_nothing_of_pyinfra_reaches_the_terminal(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with log.open_log("test", "plan"):
        logging.getLogger("pyinfra").error("only for the log")

    assert "only for the log" not in "".join(capfd.readouterr())


def test_who_connects_without_a_log_shows_no_traceback_of_paramikos() -> None:
    code = (
        "import logging, deploy.cli, deploy.engine.trusting\n"
        "logging.getLogger('paramiko.transport').error('Traceback (most recent call last):')\n"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert (ran.stdout, ran.stderr) == ("", "")


def test_a_log_that_has_no_room_is_said_once_and_ends_no_run(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with no_room_beyond(0), log.open_log("test", "drift") as path:
        for _ in range(3):
            log.LOGGER.info("a word")

    said = "could not be written: File too large; the run goes on without it\n"
    assert capsys.readouterr().err == f"{path} {said}"
    assert path.read_text() == ""


def test_a_log_that_has_no_room_to_be_made_is_said_and_ends_no_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("deploy.engine.log.os.open", full)
        with log.open_log("test", "drift") as path:
            log.LOGGER.info("a word")

    said = "could not be written: No space left on device; the run goes on without it\n"
    assert capsys.readouterr().err == f"{path} {said}"
    assert not path.exists()


def test_a_log_that_may_not_be_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(paths, "logs", lambda _: tmp_path / "file")

    with pytest.raises(FileExistsError), log.open_log("test", "drift"):
        pass
