"""What a judge is given and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from checks.catalogue import Phase
from checks.collect.observed import Observed
from checks.finding import Severity, Status
from deploy.model import Cluster, Node

T = TypeVar("T")


class UnreadError(Exception):
    """A judge asked for a fact that could not be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict. `severity` and `remedy` are the catalogue's unless they are given.

    `lasting` is a fault that the planned step which usually mends this check cannot mend; `mended_by` is the
    phase of an apply that mends this fault, where it does not mend the check's others.
    """

    status: Status
    found: str = ""
    wanted: str = ""
    detail: str = ""
    severity: Severity | None = None
    remedy: str | None = None
    lasting: bool = False
    mended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One host, and all that it is judged against."""

    cluster: Cluster
    node: Node
    host: Observed
    everyone: tuple[Observed, ...]
    phase: Phase = Phase.PREFLIGHT

    def known(self, value: T | None, name: str) -> T:
        """Return what was read; raise UnreadError with the cause when it was not."""
        if value is None:
            raise UnreadError(f"{name}: {self.host.cause(name)}")
        return value


@dataclass(frozen=True, slots=True)
class Everyone:
    """The cluster as a whole, for what is no host's own matter."""

    cluster: Cluster
    hosts: tuple[Observed, ...]


HostJudge = Callable[[Case], Said]
ClusterJudge = Callable[[Everyone], Said]


def passed(found: str, wanted: str = "") -> Said:
    """All is well, and this was found."""
    return Said(Status.PASS, found, wanted)


def failed(
    found: str,
    wanted: str = "",
    *,
    detail: str = "",
    severity: Severity | None = None,
    remedy: str | None = None,
    lasting: bool = False,
    mended_by: str | None = None,
) -> Said:
    """The title is not true."""
    return Said(Status.FAIL, found, wanted, detail, severity, remedy, lasting, mended_by)


def skipped(reason: str) -> Said:
    """There is nothing to judge here."""
    return Said(Status.SKIPPED, reason)


def unavailable(reason: str) -> Said:
    """It could not be judged."""
    return Said(Status.UNAVAILABLE, reason)
