"""Drift that somebody accepted: in sight, no reason to be woken, and counted again when its time is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from checks.drift.compare import compared, problems
from checks.finding import Finding, Status
from checks.preflight.ignoring import ignoring, ignoring_rows
from checks.report import Report, render
from deploy.model import Cluster, DriftIgnore
from deploy.model.row import Row, State

TODAY = date(2026, 11, 30)
STARTED = datetime(2026, 11, 30, 3, 17, tzinfo=UTC)
SYSCTLS = Row("baseline", "w1", "Set kernel parameters", State.CHANGE, reason="the live value is 128")
NAMED = "baseline | Set kernel parameters"
LABELS = Row("nodes", "cp2", "Label and taint the nodes", State.CHANGE, of_cluster=True)
HOME = Cluster.model_validate(
    {
        "name": "homelab",
        "kubernetes": {"endpoint": "10.0.0.10"},
        "nodes": [
            {"name": "cp1", "address": "10.0.0.1", "roles": ["control-plane"]},
            {"name": "cp2", "address": "10.0.0.2", "roles": ["control-plane"]},
            {"name": "w1", "address": "10.0.0.3", "roles": ["worker"]},
        ],
    }
)


def accept(**keys: str) -> DriftIgnore:
    return DriftIgnore.model_validate({"reason": "tuned by hand", "expires": "2026-12-31", **keys})


def judged(row: Row, *accepted: DriftIgnore, today: date = TODAY) -> Row:
    [found] = ignoring_rows([row], HOME.model_copy(update={"drift_ignore": accepted}), today)
    return found


def night(*rows: Row) -> Report:
    good = Finding("HOST-03", "w1", Status.PASS, found="none", wanted="none", group="host")
    return Report(
        verb="drift",
        cluster="homelab",
        run="20261130T031700Z-9f3a",
        started=STARTED,
        seconds=3.0,
        findings=(good,),
        rows=rows,
        titles={"HOST-03": "Swap is off"},
    )


@pytest.mark.parametrize("plan", [NAMED, "baseline"])
@pytest.mark.parametrize("where", [{}, {"host": "w1"}])
def test_an_operation_is_accepted_by_its_name_or_its_phases_on_a_host_or_all(
    plan: str, where: dict[str, str]
) -> None:
    found = judged(SYSCTLS, accept(plan=plan, **where))

    assert found == replace(SYSCTLS, ignored="tuned by hand (until 2026-12-31)")


@pytest.mark.parametrize(
    "other",
    [
        {"plan": "baseline | Turn swap off"},
        {"plan": "base"},
        {"plan": NAMED, "host": "w2"},
        {"check": "HOST-07"},
    ],
)
def test_another_operation_or_host_is_not_accepted_by_it(other: dict[str, str]) -> None:
    assert judged(SYSCTLS, accept(**other)) == SYSCTLS


@pytest.mark.parametrize("host", ["cp1", "cp2"])
def test_an_operation_of_the_cluster_is_accepted_by_whoever_might_speak_for_it(host: str) -> None:
    accepted = accept(plan="nodes", host=host)

    assert judged(LABELS, accepted).ignored == "tuned by hand (until 2026-12-31)"
    assert (judged(replace(LABELS, of_cluster=False), accepted).ignored is None) == (host == "cp1")


def test_an_operation_of_the_cluster_is_not_accepted_by_the_name_of_a_host_that_never_speaks() -> None:
    assert judged(LABELS, accept(plan="nodes", host="w1")) == LABELS


def test_an_accepted_operation_is_shown_and_ends_with_zero() -> None:
    report = night(judged(SYSCTLS, accept(plan=NAMED)))

    assert (report.exit_code(), report.exit_code(strict=True)) == (0, 4)
    assert render(report, "short") == (
        "‼ w1: baseline | Set kernel parameters\n"
        "    ignored: tuned by hand (until 2026-12-31)\n"
        "    the live value is 128\n"
        "Status: ‼ 1 passed, 1 accepted change in 3.0 s\n"
    )


def test_an_expired_one_counts_again_and_says_so() -> None:
    report = night(judged(SYSCTLS, accept(plan=NAMED), today=date(2027, 1, 1)))

    assert report.exit_code() == 5
    assert render(report, "short") == (
        "‼ w1: baseline | Set kernel parameters\n"
        "    the live value is 128; it was accepted until 2026-12-31: tuned by hand\n"
        "Status: ‼ 1 passed, 1 pending change in 3.0 s\n"
    )


def test_on_its_last_day_it_is_still_accepted() -> None:
    assert judged(SYSCTLS, accept(plan=NAMED), today=date(2026, 12, 31)).ignored is not None


def test_an_expired_one_does_not_outvote_one_that_holds() -> None:
    over = accept(plan="baseline", expires="2026-01-01", reason="over")

    assert judged(SYSCTLS, over, accept(plan=NAMED)).ignored == "tuned by hand (until 2026-12-31)"


@pytest.mark.parametrize("state", [State.NONE, State.ERROR])
def test_what_nobody_would_change_and_what_could_not_be_planned_is_nothing_to_accept(state: State) -> None:
    row = replace(SYSCTLS, state=state)

    assert judged(row, accept(plan=NAMED)) == row


def test_a_check_and_an_operation_are_accepted_apart() -> None:
    failed = Finding("HOST-07", "w1", Status.FAIL)

    assert ignoring([failed], (accept(plan=NAMED),), (), TODAY) == [failed]
    [said] = ignoring([failed], (accept(check="HOST-07"),), (), TODAY)
    assert said.ignored == "tuned by hand (until 2026-12-31)"


def test_an_accepted_one_keeps_its_date() -> None:
    first = compared(night(SYSCTLS), None)
    accepted = compared(night(judged(SYSCTLS, accept(plan=NAMED))), first)

    assert [*problems(accepted)] == [(NAMED, "w1")]
    assert dict(accepted.since) == {(NAMED, "w1"): STARTED}
