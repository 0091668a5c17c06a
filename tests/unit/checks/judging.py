"""A preflight's findings on hosts that are well but for one fault."""

from __future__ import annotations

from datetime import date

from checks.collect.observed import Observed
from checks.finding import Finding
from checks.preflight import preflight
from deploy.model import Cluster
from tests.unit.checks.faults import Fault
from tests.unit.checks.machines import cluster, everyone

TODAY = date(2027, 1, 15)
AS_USER = {
    "system": "uid=1000\nkernel=6.12.9-amd64\narch=x86_64\nhostname=w1",
    "swap": "readable\nfstab ",
    "firewall": "",
    "remains": "",
    "runtime": "",
}


def judged(*hosts: Observed, inventory: Cluster | None = None, **options: object) -> list[Finding]:
    return preflight(inventory or cluster(), hosts, today=TODAY, **options)  # type: ignore[arg-type]


def of(findings: list[Finding], check: str, host: str | None) -> Finding:
    return next(each for each in findings if (each.check, each.host) == (check, host))


def with_fault(fault: Fault) -> tuple[Observed, ...]:
    return tuple(fault.break_(host) if host.host == fault.host else host for host in everyone())
