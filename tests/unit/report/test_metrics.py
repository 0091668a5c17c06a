"""A report as metrics: what is known, and nothing of what was not seen."""

from __future__ import annotations

from dataclasses import replace

from night import GOOD, NIGHT, NODES, ROW

from checks.finding import Finding, Status
from checks.report import Report, metrics, render
from checks.report.metrics import succeeded
from deploy.model.row import Row, State


def test_only_a_complete_run_is_a_success_in_the_metrics() -> None:
    silent = replace(GOOD, findings=(replace(NODES, status=Status.UNAVAILABLE),))

    assert succeeded(GOOD) == GOOD.started
    assert succeeded(silent) is None
    assert succeeded(replace(silent, last_success=NIGHT.started)) == NIGHT.started


def test_a_hook_that_failed_is_in_the_metrics_and_in_the_exit_code() -> None:
    report = replace(GOOD, hook_failed={"command": False, "webhook": True})
    told = 'slipway_hook_failed{cluster="homelab",hook="command"} 0'
    untold = 'slipway_hook_failed{cluster="homelab",hook="webhook"} 1'

    lines = metrics.render(report).splitlines()

    assert lines.index(untold) == lines.index(told) + 1
    assert 'slipway_run_exit_code{cluster="homelab",verb="verify"} 3' in lines
    assert 'slipway_run_exit_code{cluster="homelab",verb="verify"} 0' in metrics.render(GOOD).splitlines()


def test_metrics_escape_a_label() -> None:
    odd = Finding('A"\\\n', None, Status.PASS)

    assert 'check="A\\"\\\\\\n"' in render(replace(GOOD, findings=(odd,)), "prometheus")


def samples(report: Report, name: str) -> list[str]:
    return [line for line in render(report, "prometheus").splitlines() if line.startswith(f"{name}{{")]


def test_metrics_say_nothing_of_a_node_whose_plan_was_not_seen() -> None:
    done = replace(ROW, state=State.NONE)
    cut = Row("containerd", "w1", "Run containerd", State.ERROR, reason="systemd did not answer")
    unplanned = Row("plan", "cluster", "Plan every phase", State.ERROR)
    items = 'slipway_drift_items{cluster="homelab",node="w1"}'

    assert samples(replace(NIGHT, rows=(done,)), "slipway_drift_items") == [f"{items} 0"]
    assert samples(replace(NIGHT, rows=(ROW, cut)), "slipway_drift_items") == [f"{items} 1"]
    assert samples(replace(NIGHT, rows=(done, cut, unplanned)), "slipway_drift_items") == []


def test_a_night_after_no_success_says_so_and_who_knows_no_other_run_says_nothing() -> None:
    verified = replace(GOOD, findings=(replace(NODES, status=Status.UNAVAILABLE),))

    assert samples(replace(verified, verb="drift"), "slipway_last_success_timestamp_seconds") == [
        'slipway_last_success_timestamp_seconds{cluster="homelab",verb="drift"} 0'
    ]
    assert samples(verified, "slipway_last_success_timestamp_seconds") == []
