from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import gevent
import pytest

from deploy.engine import applying, planning, rolling, speaker
from deploy.engine.applying import Apply, Outcome
from deploy.engine.session import Session
from deploy.engine.speaker import CORDONED
from deploy.engine.survey import survey
from deploy.model.row import Row, State
from deploy.plan import Phase, Where
from tests.unit.engine.kubectl import node
from tests.unit.engine.phases import Silent, states

NO_CLOCK = """#!/bin/sh
[ "$1" != +%s ] || { echo no clock >&2; exit 1; }
exec /bin/date "$@"
"""


SERVICE = Phase("service", "A service", "tests.unit.engine.sample.service", Where.ALL)


BINARY = Phase("binary", "A binary", "tests.unit.engine.sample.binary", Where.ALL)
SERVED = Phase("served", "Its service", "tests.unit.engine.sample.served", Where.ALL)
FAILING = Phase("failing", "A service", "tests.unit.engine.sample.failing_service", Where.ALL)


def rolled(session: Session, *phases: Phase) -> Apply:
    speaks, wanted = speaker.speaker(session), phases or (SERVICE,)
    assert speaks == "cp1"
    rows = planning.plan(session, wanted, speaks)
    work = Apply(session, Silent(), {row.key: row for row in rows}, speaks, speaker.nodes(session, speaks))
    work.run(wanted)
    rolling.roll(work, wanted)
    return work


def told(work: Apply) -> Sequence[str]:
    assert isinstance(work.watcher, Silent)
    return work.watcher.told


def test_hosts_are_disturbed_one_by_one_each_cordoned_and_well_again(session: Session, api: Path) -> None:
    work = rolled(session)

    assert states(work.outcome.done)[2:] == [
        ("cp1", "Restart it", "change"),
        ("w1", "Restart it", "change"),
    ]
    assert (api / "calls").read_text().splitlines() == [
        f"annotate --overwrite node cp1 {CORDONED}=DATE",
        "cordon cp1",
        "uncordon cp1",
        f"annotate node cp1 {CORDONED}-",
        f"annotate --overwrite node w1 {CORDONED}=DATE",
        "cordon w1",
        "uncordon w1",
        f"annotate node w1 {CORDONED}-",
    ]


@pytest.mark.usefixtures("api")
def test_what_is_swapped_in_a_hosts_turn_is_restarted_in_the_same(session: Session, tmp_path: Path) -> None:
    for host in ("cp1", "w1"):
        (tmp_path / "disk" / f"{host}-binary").write_text("old")
        (tmp_path / "disk" / f"{host}-running").write_text("old")

    work = rolled(session, BINARY, SERVED)

    assert states(work.outcome.done) == [
        (host, what, "change") for host in ("cp1", "w1") for what in ("Install it", "Restart it")
    ]
    assert not [row for row in planning.plan(session, [BINARY, SERVED], "cp1") if row.pending]


@pytest.mark.usefixtures("api")
def test_what_one_host_does_for_the_cluster_has_its_turn_too(session: Session) -> None:
    spoken = Phase("spoken", "A service", "tests.unit.engine.sample.service", Where.SPEAKER)

    work = rolled(session, BINARY, spoken)

    assert [row.host for row in work.outcome.done if row.operation == "Restart it"] == ["cp1"]
    assert work.outcome.failed == []


def test_a_host_that_does_not_come_back_ends_the_rolling_by_its_name(
    session: Session, api: Path, tmp_path: Path
) -> None:
    (api / "node.json").write_text(json.dumps(node("any", ready=False)))

    work = rolled(session)

    assert work.outcome.failed == [
        Row(
            "rolling",
            "cp1",
            "Come back after what disturbed it",
            State.ERROR,
            reason="cp1 is not well again after 2 s: it is not Ready",
        )
    ]
    assert told(work)[-1] == "The rolling stops at cp1; not touched: w1."
    assert not (tmp_path / "disk" / "w1-running").exists()
    assert "uncordon cp1" not in (api / "calls").read_text()


def test_a_node_on_which_a_row_failed_takes_pods_again_when_it_is_ready(session: Session, api: Path) -> None:
    work = rolled(session, FAILING)

    assert [(row.host, row.operation) for row in work.outcome.failed] == [("cp1", "Restart it")]
    assert (api / "calls").read_text().splitlines() == [
        f"annotate --overwrite node cp1 {CORDONED}=DATE",
        "cordon cp1",
        "uncordon cp1",
        f"annotate node cp1 {CORDONED}-",
    ]
    assert told(work)[-1] == "The rolling stops at cp1; not touched: w1."


def test_a_node_on_which_a_row_failed_stays_cordoned_when_it_is_not_ready_and_that_is_said(
    session: Session, api: Path
) -> None:
    (api / "node.json").write_text(json.dumps(node("any", ready=False)))

    work = rolled(session, FAILING)

    assert "uncordon cp1" not in (api / "calls").read_text()
    assert "cp1 stays cordoned, until the next apply: it is not Ready." in told(work)


def test_what_the_plan_did_not_show_is_told_of_the_rolling_too(session: Session, api: Path) -> None:
    ended: dict[str, list[str]] = {}

    class Noting(Silent):
        def phase_ended(self, title: str, outcome: Outcome, seconds: float) -> None:
            super().phase_ended(title, outcome, seconds)
            ended[title] = [row.operation for row in outcome.unforeseen]

    work = Apply(session, Noting(), {}, "cp1", speaker.nodes(session, "cp1"))
    work.run([SERVICE])
    rolling.roll(work, [SERVICE])

    assert ended["Roll cp1"] == ["Restart it"]


def test_a_host_that_does_not_tell_its_time_stops_the_rolling(
    session: Session, api: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (api / "date").write_text(NO_CLOCK)
    (api / "date").chmod(0o755)
    monkeypatch.setattr("deploy.engine.shell.ENVIRONMENT", f"export PATH={api}:$PATH;")

    work = rolled(session)

    assert [(row.host, row.reason) for row in work.outcome.failed] == [
        ("cp1", "cp1 did not tell its time: no clock")
    ]


@pytest.fixture
def living(api: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cluster whose hosts have joined, and whose API server is down."""
    (api / "down").touch()
    monkeypatch.setattr(speaker, "JOINED", "true")
    monkeypatch.setattr(speaker, "PATIENCE", 8.0)
    monkeypatch.setattr(speaker, "ASKED_EVERY", 0.2)
    return api


def test_a_living_cluster_whose_api_is_silent_is_not_taken_for_bare_hosts(
    session: Session, living: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker, "PATIENCE", 0.5)
    found = survey(session, [SERVICE])
    work = Apply(session, Silent(), {row.key: row for row in found.rows}, found.speaker, found.members)
    work.run([SERVICE])
    rolling.roll(work, [SERVICE])

    assert found.speaker is None
    assert sorted(found.members) == ["cp1", "w1"]
    assert [row.operation for row in work.outcome.done] == ["Configure it", "Configure it"]
    assert [row.host for row in work.outcome.deferred] == ["cp1", "w1"]
    assert not (tmp_path / "disk" / "w1-running").exists()
    assert work.outcome.failed == [
        Row("rolling", "cp1", "Be disturbed in its turn", State.ERROR, reason=applying.SILENT)
    ]
    assert told(work)[-1] == "No API server answers, so that nothing is rolled; not touched: cp1, w1."


def test_the_api_of_a_living_cluster_may_be_silent_for_a_moment(session: Session, living: Path) -> None:
    gevent.spawn_later(0.5, (living / "down").unlink)
    found = survey(session, [SERVICE])

    assert found.speaker == "cp1"
    assert found.members["w1"].ready


def test_once_the_api_answers_a_cordon_that_a_person_made_meanwhile_is_known(
    session: Session, living: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker, "PATIENCE", 0.5)
    found = survey(session, [SERVICE])
    work = Apply(session, Silent(), {}, found.speaker, found.members)
    cordoned = [{**node(name), "spec": {"unschedulable": True}} for name in ("cp1", "w1")]
    (living / "nodes.json").write_text(json.dumps({"items": cordoned}))
    (living / "down").unlink()

    assert work.hears()
    assert work.members["w1"].unschedulable


def test_bare_hosts_wait_for_nobody(session: Session, living: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaker, "JOINED", "false")
    monkeypatch.setattr(speaker, "awaited", None)

    assert survey(session, [SERVICE]).members == {}


def test_a_host_that_could_not_be_read_is_taken_for_a_node(
    session: Session, living: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker, "JOINED", "exit 2")

    assert sorted(speaker.joined(session)) == ["cp1", "w1"]


def test_a_cordon_that_a_person_made_is_left_as_it_is(session: Session, api: Path) -> None:
    cordoned = [{**node(name), "spec": {"unschedulable": True}} for name in ("cp1", "w1")]
    (api / "nodes.json").write_text(json.dumps({"items": cordoned}))

    rolled(session)

    assert not (api / "calls").exists()


def test_what_a_killed_run_left_cordoned_is_in_the_plan_and_put_right(session: Session, api: Path) -> None:
    left = node("w1", annotations={CORDONED: "2026-11-30T01:00:00Z"})
    (api / "nodes.json").write_text(json.dumps({"items": [node("cp1"), left]}))
    members = speaker.nodes(session, "cp1")
    rows = rolling.leftovers(members.values())
    work = Apply(session, Silent(), {}, "cp1", members)
    (api / "nodes.json").write_text(json.dumps({"items": [node("cp1"), node("w1")]}))

    rolling.clean_up(work, rows)

    assert rows == [
        Row("rolling", "w1", rolling.UNCORDON, State.CHANGE, reason=f"it carries the annotation {CORDONED}")
    ]
    assert (api / "calls").read_text().splitlines() == ["uncordon w1", f"annotate node w1 {CORDONED}-"]
    assert not work.members["w1"].cordoned_by_us
