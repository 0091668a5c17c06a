"""A report that was not written whole is never read as a run, whether the disk was full or the run killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.finding import Finding, Status
from checks.report import Report, document, history
from deploy.cli.evidence import keep
from deploy.errors import RunError
from deploy.model import paths
from tests.unit.full_disk import no_room_beyond

FIRST = datetime(2026, 11, 1, 3, 17, tzinfo=UTC)
NOW = FIRST + timedelta(days=365)


def night(number: int) -> Report:
    started = FIRST + timedelta(days=number)
    return Report(
        verb="drift",
        cluster="homelab",
        run=f"{started:%Y%m%dT%H%M%SZ}-0000",
        started=started,
        seconds=3.0,
        findings=(Finding("HOST-03", "w1", Status.PASS, found="no swap", wanted="no swap", group="host"),),
    )


@pytest.mark.parametrize("size", [0, 1, 100])
def test_without_room_for_all_of_it_nothing_is_kept_and_the_night_before_is_still_the_last(
    tmp_path: Path, size: int
) -> None:
    first = history.save(tmp_path, night(0))

    with no_room_beyond(size), pytest.raises(RunError) as caught:
        history.save(tmp_path, night(1))

    assert str(caught.value) == (
        f"{tmp_path}/20261102T031700Z-0000.drift.json could not be written: File too large"
    )
    assert [each.name for each in tmp_path.iterdir()] == [first.name]
    last = history.last(tmp_path, "drift", NOW)
    assert last is not None
    assert last.run == "20261101T031700Z-0000"


def test_a_night_that_could_not_be_kept_is_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    with no_room_beyond(0):
        keep(night(0))

    where = paths.reports("homelab") / "20261101T031700Z-0000.drift.json"
    assert capsys.readouterr().err == f"{where} could not be written: File too large\n"


def test_a_history_that_cannot_be_begun_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(RunError) as caught:
        history.save(tmp_path / "file" / "reports", night(0))

    assert str(caught.value) == f"{tmp_path}/file/reports could not be made: Not a directory"


def test_no_beginning_of_a_report_is_a_report() -> None:
    text = document.render(replace(night(0), gone=night(0).findings))

    for end in range(len(text.rstrip())):
        with pytest.raises(RunError, match=r"^x is not a whole report of slipway: "):
            document.read(text[:end], "x")
    assert document.read(text, "x").run == night(0).run


KILLED = """
import os, signal, sys
from pathlib import Path
from checks.report import history
from tests.unit.drift.test_half_written import night
history.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
history.save(Path(sys.argv[1]), night(1))
"""


def test_a_run_that_is_killed_while_it_writes_leaves_the_night_before_as_the_last(tmp_path: Path) -> None:
    history.save(tmp_path, night(0))

    done = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path], cwd=Path(__file__).parents[3], check=False
    )

    assert done.returncode == -signal.SIGKILL
    left = sorted(each.name for each in tmp_path.iterdir())
    assert left == [".20261102T031700Z-0000.drift.json.part", "20261101T031700Z-0000.drift.json"]
    assert [each.run for each in history.load(tmp_path, "drift", 9, NOW)] == ["20261101T031700Z-0000"]
    history.save(tmp_path, night(1))
    assert sorted(each.name for each in tmp_path.iterdir())[0] == "20261101T031700Z-0000.drift.json"
