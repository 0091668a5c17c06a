"""A verify waits for what an install has just begun, and not for what no waiting puts right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from clusters import CLUSTER, LOCK

from checks.acceptance.backend import Ran
from checks.acceptance.verify import Verify, unsettled
from checks.finding import Finding, Severity, Status
from deploy.errors import UnreachableError

NOT_READY = Finding("K8S-01", "w1", Status.FAIL, found="not Ready", wanted="Ready at 10.0.0.12")
SHORT = Finding("K8S-09", None, Status.FAIL, found="kube-proxy 1/2")


@dataclass
class Nobody:
    """No host answers."""

    unreachable: dict[str, str]

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        raise UnreachableError(f"{host}: {command} {stdin!r} {timeout}")


@pytest.mark.parametrize(
    ("findings", "unreachable", "cause"),
    [
        ([NOT_READY], [], "K8S-01 of w1: not Ready, wanted Ready at 10.0.0.12"),
        ([NOT_READY], ["w1"], None),
        ([NOT_READY], ["cp1"], "K8S-01 of w1: not Ready, wanted Ready at 10.0.0.12"),
        ([replace(NOT_READY, ignored="it is old (until 2027-01-01)")], [], None),
        ([SHORT], [], "K8S-09: kube-proxy 1/2"),
        ([SHORT], ["w1"], None),
        ([replace(SHORT, status=Status.UNAVAILABLE)], [], "K8S-09: kube-proxy 1/2"),
        ([replace(SHORT, status=Status.SKIPPED)], [], None),
        ([replace(SHORT, severity=Severity.WARNING)], [], None),
    ],
)
def test_what_waiting_may_put_right_is_waited_for(
    findings: Sequence[Finding], unreachable: Sequence[str], cause: str | None
) -> None:
    assert unsettled(findings, unreachable) == cause


def told(unreachable: dict[str, str], *, accept: bool = False) -> list[str]:
    """Return what a verify says that it waits for, of a cluster that does not answer."""
    said: list[str] = []

    def accepted(findings: list[Finding]) -> list[Finding]:
        return [replace(each, ignored="known") for each in findings] if accept else findings

    Verify(CLUSTER, Nobody(unreachable), LOCK, "run", 0.6, said.append, accepted).passive()
    return said


def test_a_cluster_that_is_silent_is_waited_for_until_the_time_is_over() -> None:
    assert len(told({})) == 1


def test_nodes_that_are_away_are_not_waited_for() -> None:
    assert told({"cp1": "no answer", "w1": "no answer"}) == []


def test_without_a_control_plane_nothing_is_waited_for() -> None:
    assert told({"cp1": "no answer"}) == []


def test_what_somebody_accepted_is_not_waited_for() -> None:
    assert told({}, accept=True) == []
