"""What a report adds up to: a run's exit code, a plugin's, and whether it saw everything."""

from __future__ import annotations

from dataclasses import replace

import pytest
from night import GOOD, LABELS, NIGHT, NODES

from checks.finding import Severity, Status
from checks.report import Format, Report, exit_code, render
from deploy.model.row import Row, State


def test_a_run_is_complete_when_it_saw_everything_whatever_that_is_like() -> None:
    unread = replace(NODES, status=Status.UNAVAILABLE)
    unplanned = Row("plan", "cluster", "Plan every phase", State.ERROR)

    assert replace(GOOD, findings=(replace(NODES, status=Status.FAIL),)).complete
    assert replace(GOOD, findings=(NODES, replace(unread, severity=Severity.WARNING))).complete
    assert replace(GOOD, findings=(NODES, replace(unread, ignored="until then"))).complete
    assert not replace(GOOD, findings=(NODES, unread)).complete
    assert not replace(GOOD, unreachable={"w1": "ssh: timed out"}).complete
    assert not replace(GOOD, rows=(unplanned,)).complete
    assert not replace(GOOD, findings=()).complete


def test_a_run_without_findings_never_passes() -> None:
    empty = replace(GOOD, findings=())

    assert empty.exit_code() == 3
    assert render(empty, "text") == "nothing was checked\nStatus: × 0 passed in 1.2 s\n"
    assert render(empty, "nagios").startswith("SLIPWAY CRITICAL - homelab verify: 0 passed|")
    assert exit_code(empty, "nagios") == 2


UNREAD = replace(NODES, status=Status.UNAVAILABLE)
FAILED = replace(NODES, status=Status.FAIL)


@pytest.mark.parametrize(
    ("report", "code", "strict"),
    [
        (GOOD, 0, 0),
        (replace(GOOD, findings=(FAILED,)), 3, 3),
        (replace(GOOD, findings=(UNREAD,)), 3, 3),
        (replace(GOOD, findings=(replace(UNREAD, severity=Severity.WARNING),)), 0, 4),
        (replace(GOOD, findings=(replace(FAILED, severity=Severity.WARNING),)), 0, 4),
        (replace(GOOD, findings=(replace(FAILED, severity=Severity.INFO),)), 0, 0),
        (replace(GOOD, findings=(replace(FAILED, ignored="until spring"),)), 0, 4),
        (replace(GOOD, findings=(replace(UNREAD, ignored="until spring"),)), 0, 4),
        (replace(GOOD, rows=NIGHT.rows), 5, 5),
        (replace(GOOD, rows=(LABELS,)), 0, 4),
        (replace(GOOD, rows=(LABELS,), findings=()), 0, 4),
        (replace(GOOD, rows=NIGHT.rows, findings=(FAILED,)), 3, 3),
        (replace(GOOD, hook_failed={"command": False}), 0, 0),
        (replace(GOOD, hook_failed={"command": True}), 3, 3),
        (replace(GOOD, hook_failed={"command": True}, rows=NIGHT.rows), 3, 3),
        (replace(GOOD, unreachable={"w1": "no route"}), 6, 6),
        (replace(GOOD, unreachable={"w1": "no route"}, findings=(FAILED,), rows=NIGHT.rows), 6, 6),
    ],
)
def test_the_exit_code_is_the_worst_that_holds(report: Report, code: int, strict: int) -> None:
    assert (report.exit_code(), report.exit_code(strict=True)) == (code, strict)


@pytest.mark.parametrize(
    ("report", "word", "code"),
    [
        (GOOD, "OK", 0),
        (replace(GOOD, rows=NIGHT.rows), "WARNING", 1),
        (replace(GOOD, findings=(replace(FAILED, severity=Severity.WARNING),)), "WARNING", 1),
        (replace(GOOD, rows=NIGHT.rows, findings=(FAILED,)), "CRITICAL", 2),
        (replace(GOOD, findings=(UNREAD,)), "UNKNOWN", 3),
        (replace(GOOD, findings=(replace(UNREAD, ignored="until spring"),)), "WARNING", 1),
        (replace(GOOD, unreachable={"w1": "no route"}), "UNKNOWN", 3),
    ],
)
def test_a_plugin_exits_with_what_it_says(report: Report, word: str, code: int) -> None:
    assert render(report, "nagios").startswith(f"SLIPWAY {word} - ")
    assert exit_code(report, "nagios") == exit_code(report, Format.NAGIOS, strict=True) == code


@pytest.mark.parametrize(
    ("report", "word", "code"),
    [
        (GOOD, "WARNING", 1),
        (replace(GOOD, rows=NIGHT.rows), "WARNING", 1),
        (replace(GOOD, findings=(FAILED,)), "CRITICAL", 2),
        (replace(GOOD, findings=(UNREAD,)), "UNKNOWN", 3),
    ],
)
def test_a_plugin_says_that_nobody_was_told_and_warns_of_it_where_nothing_is_worse(
    report: Report, word: str, code: int
) -> None:
    untold = replace(report, hook_failed={"command": True, "webhook": False})
    told = replace(report, hook_failed={"command": False})

    said = render(untold, "nagios")

    assert said.startswith(f"SLIPWAY {word} - homelab verify: ")
    assert said.partition("|")[0].endswith(", nobody was told by the command")
    assert exit_code(untold, "nagios") == code
    assert render(told, "nagios") == render(report, "nagios")
    assert exit_code(told, "nagios") == exit_code(report, "nagios")
