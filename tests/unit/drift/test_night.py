"""Each fault once, under one id, with what would mend it."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TypeGuard, cast

import pytest

from checks.drift import night
from checks.drift.night import MENDED_BY, belonging, once
from checks.finding import Finding, Status
from deploy.engine.session import Session
from deploy.engine.survey import Survey
from deploy.errors import RunError
from deploy.model.row import Row, State
from deploy.plan import phases
from tests.unit.checks.machines import cluster

SYSCTLS = Row("baseline", "w1", "Set kernel parameters", State.CHANGE)


def finding(check: str, host: str | None, status: Status, found: str = "") -> Finding:
    return Finding(check, host, status, found=found, remedy="by hand")


def test_a_check_that_two_judges_know_is_said_once_and_a_fault_is_not_outvoted() -> None:
    unread = finding("HOST-08", "w1", Status.UNAVAILABLE)
    good = finding("HOST-08", "w1", Status.PASS, "8192")
    bad = finding("HOST-08", "w1", Status.FAIL, "128")

    assert once([unread], [good]) == [good]
    assert once([good], [bad]) == [bad]
    assert once([bad], [good]) == [bad]


def test_a_server_that_is_silent_is_not_spoken_for_by_a_file_that_is_right() -> None:
    declared = finding("LB-02", None, Status.PASS, "workers w1")
    silent = finding("LB-02", None, Status.UNAVAILABLE, "connection refused")
    overlapping = finding("LB-02", None, Status.FAIL, "overlaps what DHCP gives away")

    assert once([declared], [silent]) == [silent]
    assert once([overlapping], [silent]) == [overlapping]


def test_of_two_faults_the_first_is_told() -> None:
    first, second = (finding("HOST-09", "w1", Status.FAIL, found) for found in ("40 s off", "41.0 s off"))

    assert once([first], [second]) == [first]


def test_what_does_not_apply_says_nothing_against_who_has_looked() -> None:
    judged = finding("LB-02", None, Status.UNAVAILABLE)
    nothing = finding("LB-02", None, Status.SKIPPED)

    assert once([judged], [nothing]) == once([nothing], [judged]) == [judged]


def test_skipped_for_all_is_not_said_beside_a_verdict_of_a_host() -> None:
    skipped = finding("HOST-26", None, Status.SKIPPED)
    judged = finding("HOST-26", "cp1", Status.PASS)

    assert once([skipped], [judged]) == [judged]


def test_a_fault_that_an_apply_would_mend_names_the_operation() -> None:
    failed = finding("HOST-08", "w1", Status.FAIL)

    [said] = belonging([failed], [SYSCTLS])

    assert said.remedy == "slipway apply does it: baseline | Set kernel parameters"


@pytest.mark.parametrize(
    ("phase", "operation"),
    [("gpu-hosts", "Make the folders of CDI"), ("containerd", "Configure containerd")],
)
def test_cdi_is_put_right_where_its_folder_is_made_or_containerd_told(phase: str, operation: str) -> None:
    failed = finding("RT-06", "w1", Status.FAIL)

    [said] = belonging([failed], [Row(phase, "w1", operation, State.CHANGE)])

    assert said.remedy == f"slipway apply does it: {phase} | {operation}"


def test_another_hosts_operation_does_not_mend_it() -> None:
    failed = finding("HOST-08", "w2", Status.FAIL)

    assert belonging([failed], [SYSCTLS]) == [failed]


def test_what_the_cluster_lost_is_mended_from_whichever_host_speaks_for_it() -> None:
    failed = finding("K8S-08", "w1", Status.FAIL)
    labels = Row("nodes", "cp1", "Label and taint the nodes", State.CHANGE, of_cluster=True)

    [said] = belonging([failed], [labels])

    assert said.remedy == "slipway apply does it: nodes | Label and taint the nodes"
    assert belonging([failed], [replace(labels, of_cluster=False)]) == [failed]


@pytest.mark.parametrize("speaker", [None, "cp1"])
def test_a_control_plane_that_is_lost_leaves_nothing_said_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch, speaker: str | None
) -> None:
    spoken = Row("nodes", "cp1", "Label and taint the nodes", State.UNKNOWN, of_cluster=True)
    monkeypatch.setattr(night, "survey", lambda *_: Survey(speaker, {}, [SYSCTLS, spoken]))
    lost, there = (cast(Session, SimpleNamespace(hosts=hosts)) for hosts in (("w1",), ("cp1", "w1")))

    rows, unjudged = night._plan(lost, cluster())

    assert rows == [SYSCTLS]
    assert unjudged == ("network", "nodes", "load-balancer", "storage", "gpu-intel", "rolling")
    assert (night._plan(there, cluster()) == ([SYSCTLS, spoken], ())) is (speaker is not None)


def test_what_could_not_be_planned_says_nothing_of_any_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Survey:
        raise RunError("cp1: the API server did not list its nodes")

    monkeypatch.setattr(night, "survey", broken)

    [row], unjudged = night._plan(cast(Session, SimpleNamespace(hosts=("cp1",))), cluster())

    assert (row.state, row.reason) == (State.ERROR, "cp1: the API server did not list its nodes")
    assert unjudged == (*(phase.name for phase in phases(cluster())), "rolling")


def test_a_pass_is_nobodys_to_mend() -> None:
    passed = finding("HOST-08", "w1", Status.PASS)

    assert belonging([passed], [SYSCTLS]) == [passed]


def test_another_operation_of_the_same_phase_is_another_fault() -> None:
    failed = finding("HOST-08", "w1", Status.FAIL)
    modules = Row("baseline", "w1", "Load kernel modules", State.CHANGE)

    assert belonging([failed], [modules]) == [failed]


def test_the_operations_are_those_that_the_steps_have() -> None:
    steps = Path(__file__).parents[3] / "deploy/steps"
    written = "".join(path.read_text() for path in steps.rglob("*.py"))

    assert [name for names in MENDED_BY.values() for name in names if f'name="{name}"' not in written] == []


def test_operations_of_a_loop_have_names_of_their_own_by_which_a_night_tells_them_apart() -> None:
    steps = [*(Path(__file__).parents[3] / "deploy/steps").rglob("*.py")]
    loops = [
        each for path in steps for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.For)
    ]
    names = [word.value for loop in loops for word in ast.walk(loop) if _is_name(word)]

    assert names
    assert [each for each in names if isinstance(each, ast.Constant)] == []


def _is_name(node: ast.AST) -> TypeGuard[ast.keyword]:
    return isinstance(node, ast.keyword) and node.arg == "name"
