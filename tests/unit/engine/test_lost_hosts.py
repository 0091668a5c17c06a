"""Hosts that fail or die on the way: each is named, and the others go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.engine import link, planning
from deploy.engine.applying import Apply
from deploy.engine.link import LostError
from deploy.engine.session import Session
from deploy.errors import Exit
from deploy.plan import Where
from tests.unit.engine.phases import Silent, applied, phase, states
from tests.unit.engine.sample import DYING


def test_a_failed_host_takes_part_in_nothing_more_and_the_others_go_on(session: Session, disk: Path) -> None:
    work = applied(session, phase("worker_fails"), phase("service"))

    assert [(row.host, row.operation, row.reason) for row in work.outcome.failed] == [
        ("w1", "Break it", "echo because >&2; exit 7\nexited with 7: because")
    ]
    assert sorted(path.name for path in disk.iterdir()) == [
        "cp1-config",
        "cp1-one",
        "cp1-running",
        "cp1-two",
        "w1-one",
    ]


def test_a_host_that_dies_in_a_phase_is_named_and_the_others_go_on(session: Session, disk: Path) -> None:
    work = applied(session, phase("worker_dies"), phase("two_files"))

    assert [(row.host, row.operation) for row in work.outcome.failed] == [("w1", "Title of worker_dies")]
    assert (work.outcome.failed[0].reason or "").startswith("w1: the connection was lost")
    assert sorted(path.name for path in disk.iterdir()) == ["cp1-one", "cp1-two"]
    assert session.hosts == ("cp1",)
    assert session.exit_code is Exit.UNREACHABLE


def test_a_failure_on_a_host_that_then_dies_is_followed_by_the_loss(session: Session, disk: Path) -> None:
    work = applied(session, phase("worker_refuses_and_dies"), phase("two_files"))

    assert [(row.host, row.operation) for row in work.outcome.failed] == [
        ("w1", "Ask it"),
        ("w1", "Title of worker_refuses_and_dies"),
    ]
    assert (work.outcome.failed[0].reason or "").endswith("exited with 1: Failed to connect to bus")
    assert (work.outcome.failed[1].reason or "").startswith("w1: the connection was lost")
    assert session.hosts == ("cp1",)
    assert session.exit_code is Exit.UNREACHABLE


def test_a_host_that_goes_down_is_lost_however_long_it_takes(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = DYING.replace("sleep 0.4", "sleep 1.5").replace("exit 1", f"echo {link.STOPPING}")
    monkeypatch.setattr(link, "STATE", later)

    with pytest.raises(LostError, match="w1: the connection was lost"):
        session.outlives("w1")


@pytest.mark.parametrize("said", ["running", "degraded", ""])
def test_a_host_that_does_not_go_down_is_kept(
    session: Session, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(link, "STATE", f"echo {said}")

    assert session.outlives("w1")


def test_a_host_that_dies_while_its_step_is_prepared_is_named_and_the_others_go_on(
    session: Session, disk: Path
) -> None:
    work = Apply(session, Silent(), {}, "cp1", {})
    work.run([phase("worker_dies_in_its_step"), phase("two_files")])

    assert [(row.host, row.operation) for row in work.outcome.failed] == [
        ("w1", "Title of worker_dies_in_its_step")
    ]
    assert (work.outcome.failed[0].reason or "").startswith("w1: the connection was lost")
    assert sorted(path.name for path in disk.iterdir()) == ["cp1-one", "cp1-two"]
    assert session.hosts == ("cp1",)
    assert session.exit_code is Exit.UNREACHABLE


def test_a_host_that_dies_while_the_plan_is_made_is_a_row_of_it(session: Session) -> None:
    rows = planning.plan(session, [phase("worker_dies_in_its_step"), phase("two_files")], "cp1")

    assert states(rows) == [
        ("cp1", "Write one", "change"),
        ("w1", "Title of worker_dies_in_its_step", "error"),
        ("cp1", "Write one", "change"),
        ("cp1", "Write two", "change"),
    ]
    assert session.exit_code is Exit.UNREACHABLE


def test_a_control_plane_that_dies_of_a_workers_question_is_the_one_that_is_lost(session: Session) -> None:
    work = Apply(session, Silent(), {}, "cp1", {})
    work.run([phase("asks_the_dying", Where.WORKERS), phase("two_files")])

    assert [(row.host, row.operation) for row in work.outcome.failed] == [("w1", "Title of asks_the_dying")]
    assert (work.outcome.failed[0].reason or "").startswith("cp1: the connection was lost")
    assert session.hosts == ("w1",)


def test_a_plan_goes_on_when_the_control_plane_that_speaks_dies(session: Session) -> None:
    died = planning.plan(session, [phase("two_files", Where.SPEAKER)], "cp1")
    session.lost(LostError("cp1"))

    assert [row.host for row in died] == ["cp1", "cp1"]
    assert planning.plan(session, [phase("two_files", Where.SPEAKER)], "cp1") == []
