"""Nights that follow each other: what is new, what is still there since when, what is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.drift.compare import compared, problems
from checks.finding import Finding, Severity, Status
from checks.report import Report, history
from checks.report.report import Key
from deploy.model.row import Row, State

FIRST = datetime(2026, 11, 1, 3, 17, tzinfo=UTC)
NOW = FIRST + timedelta(days=365)
SWAP, CLOCK = ("HOST-03", "w1"), ("HOST-09", "w2")
SYSCTL = ("baseline | Set kernel parameters", "w1")
POOL = ("load-balancer | Give MetalLB its pool", "cp1")


def row(of: Key) -> Row:
    phase, operation = of[0].split(" | ")
    return Row(phase, str(of[1]), operation, State.CHANGE, reason="it differs")


def night(number: int, *faults: Key, unreachable: tuple[str, ...] = ()) -> Report:
    checks = [
        Finding(check, host, Status.FAIL if (check, host) in faults else Status.PASS)
        for check, host in (SWAP, CLOCK)
    ]
    started = FIRST + timedelta(days=number)
    return Report(
        verb="drift",
        cluster="homelab",
        run=f"{started:%Y%m%dT%H%M%SZ}-0000",
        started=started,
        seconds=3.0,
        findings=tuple(each for each in checks if each.host not in unreachable),
        rows=tuple(row(each) for each in faults if " | " in each[0]),
        unreachable=dict.fromkeys(unreachable, "no route"),
        titles={"HOST-03": "Swap is off", "HOST-09": "The clock is right"},
        fixable=frozenset(),
    )


def test_a_first_report_has_nothing_older_than_itself() -> None:
    report = compared(night(0, SWAP), None)

    assert dict(report.since) == {SWAP: FIRST}
    assert report.gone == ()


def test_what_is_still_there_keeps_its_date() -> None:
    second = compared(night(1, SWAP, SYSCTL), compared(night(0, SWAP), None))

    assert dict(second.since) == {SWAP: FIRST, SYSCTL: FIRST + timedelta(days=1)}


def test_what_went_is_named_and_what_comes_again_is_new() -> None:
    gone = compared(night(1), compared(night(0, SWAP, SYSCTL), None))
    again = compared(night(2, SWAP), gone)

    assert [(each.check, each.host, each.found) for each in gone.gone] == [
        (*SWAP, ""),
        (*SYSCTL, "it differs"),
    ]
    assert again.since[SWAP] == FIRST + timedelta(days=2)


def test_an_operation_that_is_done_is_gone_whatever_else_is_wrong_with_its_host() -> None:
    done = replace(row(SYSCTL), state=State.NONE)
    root = Finding("HOST-01", "w1", Status.PASS)
    tonight = night(1, SWAP)
    tonight = replace(tonight, findings=(root, *tonight.findings), rows=(done,))

    mended = compared(tonight, compared(night(0, SWAP, SYSCTL), None))

    assert dict(mended.since) == {SWAP: FIRST}
    assert [(each.check, each.host) for each in mended.gone] == [SYSCTL]


def test_a_host_that_is_away_is_not_mended_by_that() -> None:
    before = compared(night(0, SWAP, SYSCTL), None)
    away = compared(night(1, unreachable=("w1",)), before)
    back = compared(night(2, SWAP, SYSCTL), away)

    assert away.gone == ()
    assert dict(back.since) == {SWAP: FIRST, SYSCTL: FIRST}


def test_a_host_that_gives_no_root_is_not_mended_by_that() -> None:
    denied = Finding("HOST-01", "w1", Status.FAIL, found="w1: user 'ops' is not root")
    swap = Finding("HOST-03", "w1", Status.UNAVAILABLE, found="the host gives no root (HOST-01)")
    before = compared(night(0, SWAP, SYSCTL), None)
    rootless = compared(replace(night(1), findings=(denied, swap)), before)
    back = compared(night(2, SYSCTL), rootless)

    assert rootless.gone == ()
    assert (rootless.since[SYSCTL], back.since[SYSCTL]) == (FIRST, FIRST)
    assert [(each.check, each.host) for each in back.gone] == [("HOST-01", "w1"), SWAP]


def test_what_is_good_on_a_host_whatever_its_user_may_is_gone() -> None:
    denied = Finding("HOST-01", "w1", Status.FAIL, found="w1: user 'ops' is not root")
    good = Finding("HOST-03", "w1", Status.PASS)
    found = compared(replace(night(1), findings=(denied, good)), compared(night(0, SWAP), None))

    assert [(each.check, each.host) for each in found.gone] == [SWAP]


def test_a_silent_api_does_not_mend_what_only_it_can_show() -> None:
    before = compared(night(0, POOL), None)
    silent = compared(night(1), before, unjudged=("load-balancer",))
    back = compared(night(2, POOL), silent)

    assert silent.gone == ()
    assert back.since[POOL] == FIRST


def test_who_speaks_for_the_cluster_makes_no_other_fault_of_it() -> None:
    spoken = replace(row(POOL), of_cluster=True)
    first = compared(replace(night(0), rows=(spoken,)), None)
    second = compared(replace(night(1), rows=(replace(spoken, host="cp2"),)), first)
    error = replace(spoken, operation="Announce addresses", host="cp3", state=State.ERROR)
    broken = compared(replace(night(2), rows=(error,)), second)

    assert second.since == {(POOL[0], None): FIRST}
    assert broken.since[POOL[0], None] == FIRST
    assert second.gone == broken.gone == ()


def test_a_phase_that_ended_with_an_error_does_not_mend_what_came_before_it_that_night() -> None:
    error = replace(row(SYSCTL), operation="Baseline", state=State.ERROR)
    before = compared(night(0, SYSCTL), None)
    broken = compared(replace(night(1), rows=(error,)), before)
    back = compared(night(2, SYSCTL), broken)

    assert broken.gone == ()
    assert back.since[SYSCTL] == FIRST
    assert [(each.check, each.host) for each in back.gone] == [("baseline | Baseline", "w1")]


def test_an_error_on_another_host_or_in_another_phase_hides_nothing() -> None:
    elsewhere = replace(row(SYSCTL), host="w2", state=State.ERROR)
    other = replace(row(SYSCTL), phase="containerd", state=State.ERROR)
    found = compared(replace(night(1), rows=(elsewhere, other)), compared(night(0, SYSCTL), None))

    assert [(each.check, each.host) for each in found.gone] == [SYSCTL]


def test_what_a_check_found_elsewhere_is_not_gone_while_it_cannot_look() -> None:
    ghost = Finding("K8S-01", "ghost", Status.FAIL, found="in the cluster")
    silent = Finding("K8S-01", "w1", Status.UNAVAILABLE, found="connection refused")
    before = compared(replace(night(0), findings=(ghost,)), None)
    blind = compared(replace(night(1), findings=(silent,)), before)
    seen = compared(replace(night(2), findings=(replace(silent, status=Status.PASS),)), blind)

    assert blind.gone == ()
    assert blind.since["K8S-01", "ghost"] == FIRST
    assert [(each.check, each.host) for each in seen.gone] == [("K8S-01", "w1")]


def test_what_is_good_again_on_a_host_is_gone_while_the_check_cannot_look_at_another() -> None:
    good = Finding("HOST-03", "w1", Status.PASS)
    silent = Finding("HOST-03", "w2", Status.UNAVAILABLE)
    found = compared(replace(night(1), findings=(good, silent)), compared(night(0, SWAP), None))

    assert [(each.check, each.host) for each in found.gone] == [SWAP]


def test_with_a_host_that_left_the_inventory_its_faults_are_gone_while_the_check_looks_at_others() -> None:
    good = Finding("HOST-09", "w1", Status.PASS)
    left = compared(replace(night(1), findings=(good,)), compared(night(0, CLOCK), None))

    assert [(each.check, each.host) for each in left.gone] == [CLOCK]
    assert left.since == {}


def test_a_fault_that_was_accepted_is_still_in_sight() -> None:
    accepted = replace(night(0, SWAP).findings[0], ignored="until spring")
    report = replace(night(0, SWAP), findings=(accepted,))

    assert [*problems(report)] == [SWAP]


def test_a_note_is_kept() -> None:
    note = Finding("HOST-02", "w1", Status.FAIL, Severity.INFO)

    assert [*problems(replace(night(0), findings=(note,)))] == [("HOST-02", "w1")]


@pytest.mark.parametrize("text", ["", "{", '{"schema_version": 1}'])
def test_half_a_report_is_never_read_as_a_night(tmp_path: Path, text: str) -> None:
    history.save(tmp_path, compared(night(0, SWAP), None))
    (tmp_path / "20261199T000000Z-dead.drift.json").write_text(text)
    (tmp_path / ".20261199T000001Z-dead.drift.json.part").write_text("{")

    last = history.last(tmp_path, "drift", NOW)

    assert last is not None
    assert last.run == "20261101T031700Z-0000"


def test_old_nights_are_forgotten_and_other_verbs_are_left_alone(tmp_path: Path) -> None:
    history.save(tmp_path, replace(night(0), verb="verify"))
    for number in range(history.KEPT + 3):
        history.save(tmp_path, night(number))

    assert len(history.runs(tmp_path, "drift", NOW)) == history.KEPT
    assert history.runs(tmp_path, "drift", NOW)[0].name == "20261104T031700Z-0000.drift.json"
    assert len(history.runs(tmp_path, "verify", NOW)) == 1


def test_a_full_disk_leaves_neither_half_a_report_nor_a_lost_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = history.save(tmp_path, night(0))
    before = path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(history.os, "fsync", full)
    with pytest.raises(history.RunError, match=r"could not be written: No space left on device$"):
        history.save(tmp_path, night(1))

    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_text() == before


def test_a_night_whose_clock_was_ahead_is_not_gone_by(tmp_path: Path) -> None:
    history.save(tmp_path, night(0))
    wrong = history.save(tmp_path, night(300, SWAP))
    now = FIRST + timedelta(days=1)

    last = history.last(tmp_path, "drift", now)

    assert last is not None
    assert last.started == FIRST
    assert [each.started for each in history.load(tmp_path, "drift", 9, now)] == [FIRST]
    assert history.ahead(tmp_path, "drift", now) == [wrong]
    assert history.ahead(tmp_path, "drift", last.started + timedelta(days=300)) == []


def test_a_night_whose_clock_is_behind_is_kept_and_makes_no_other_one_forgotten(tmp_path: Path) -> None:
    later = {history.save(tmp_path, night(number)) for number in range(1, history.KEPT + 1)}

    path = history.save(tmp_path, night(0))

    assert path.exists()
    assert {*tmp_path.iterdir()} == {path, *later}
