"""What a run of checks says: its findings, what they were judged against, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from checks.catalogue import all_checks
from checks.finding import Finding, Severity, Status
from deploy.errors import Exit, worst
from deploy.model.row import Row, State


class Verdict(StrEnum):
    """A finding's weight in the sum; worst first, which is the order they are shown in."""

    ERROR = "error"
    WARNING = "warning"
    UNAVAILABLE = "unavailable"
    NOTE = "note"
    PASS = "pass"  # noqa: S105 - a verdict, no password
    SKIPPED = "skipped"


QUIET = (Verdict.PASS, Verdict.SKIPPED)
"""What nobody has to look at."""

_FAILED = {
    Severity.ERROR: Verdict.ERROR,
    Severity.WARNING: Verdict.WARNING,
    Severity.INFO: Verdict.NOTE,
}


def verdict(finding: Finding) -> Verdict:
    """Return what a finding counts as; what is accepted, failed or unread, stays in sight as a warning."""
    match finding.status:
        case Status.PASS:
            return Verdict.PASS
        case Status.SKIPPED:
            return Verdict.SKIPPED
        case Status.FAIL | Status.UNAVAILABLE if finding.ignored is not None:
            return Verdict.NOTE if finding.severity is Severity.INFO else Verdict.WARNING
        case Status.FAIL:
            return _FAILED[finding.severity]
        case Status.UNAVAILABLE:
            return Verdict.UNAVAILABLE


NO_ANSWER, NO_ROOT = "HOST-00", "HOST-01"
Key = tuple[str, str | None]


def key(finding: Finding) -> Key:
    """Return what makes two nights' findings the same one: the check and the host."""
    return finding.check, finding.host


def row_key(row: Row) -> Key:
    """Return what makes two nights' pending operations the same one: phase and operation, and the host.

    One of the cluster is the same whoever speaks for it, and has no host.
    """
    return f"{row.phase} | {row.operation}", None if row.of_cluster else row.host


def _titles() -> Mapping[str, str]:
    return {id_: check.title for id_, check in all_checks().items()}


@dataclass(frozen=True, slots=True)
class Report:
    """One run. `since` holds when a finding that is no pass was first seen; `rows` is a drift's plan.

    `last_nightly` is when the timer last began a run, this one included, as far as kept reports say.
    `hook_failed` says of each hook that the run had whether it could tell nobody; empty until they were run.
    `unreachable` maps hosts to causes, which name them. `fixable` are the ids that `preflight --fix` mends.
    Titles come from the catalogue, and a report that is read back keeps its own.
    """

    verb: str
    cluster: str
    run: str
    started: datetime
    seconds: float
    findings: tuple[Finding, ...]
    titles: Mapping[str, str] = field(default_factory=_titles)
    fixable: frozenset[str] = frozenset()
    unreachable: Mapping[str, str] = field(default_factory=dict)
    inventory_sha256: str | None = None
    lock_sha256: str | None = None
    rows: tuple[Row, ...] = ()
    since: Mapping[Key, datetime] = field(default_factory=dict)
    gone: tuple[Finding, ...] = ()
    last_success: datetime | None = None
    last_nightly: datetime | None = None
    hook_failed: Mapping[str, bool] = field(default_factory=dict)

    def of(self, wanted: Verdict) -> tuple[Finding, ...]:
        """Return the findings that count as this, in the order they were made."""
        return tuple(finding for finding in self.findings if verdict(finding) is wanted)

    @property
    def counts(self) -> dict[Verdict, int]:
        """Return how many findings count as what, zeros included."""
        return {each: len(self.of(each)) for each in Verdict}

    @property
    def problems(self) -> tuple[Finding, ...]:
        """Return what an operator should look at, the worst first."""
        shown = (Verdict.ERROR, Verdict.WARNING, Verdict.UNAVAILABLE, Verdict.NOTE)
        return tuple(finding for each in shown for finding in self.of(each))

    @property
    def unseen(self) -> frozenset[str]:
        """Return the hosts that nobody could look into: they did not answer, or gave no root."""
        failed = (each for each in self.findings if each.status is Status.FAIL)
        rootless = (each.host for each in failed if each.check == NO_ROOT and each.host is not None)
        return frozenset([*self.unreachable, *rootless])

    @property
    def pending(self) -> tuple[Row, ...]:
        """Return the plan rows that an apply would act on, and that nobody accepts."""
        return tuple(row for row in self.rows if row.pending and row.ignored is None)

    @property
    def accepted(self) -> tuple[Row, ...]:
        """Return the plan rows that an apply would act on, and that somebody accepts for a while."""
        return tuple(row for row in self.rows if row.pending and row.ignored is not None)

    @property
    def told(self) -> tuple[Row, ...]:
        """Return the plan rows that an operator should look at."""
        return tuple(row for row in self.rows if row.state is not State.NONE)

    @property
    def untold(self) -> tuple[str, ...]:
        """Return the hooks that could tell nobody what is new."""
        return tuple(hook for hook, failed in self.hook_failed.items() if failed)

    @property
    def groups(self) -> Iterator[tuple[str, str | None, tuple[Finding, ...]]]:
        """Yield (group, host, findings) as first met, the worst findings first in each."""
        sections: dict[tuple[str, str | None], list[Finding]] = {}
        for finding in self.findings:
            sections.setdefault((finding.group, finding.host), []).append(finding)
        order = list(Verdict)
        for (group, host), findings in sections.items():
            yield group, host, tuple(sorted(findings, key=lambda each: order.index(verdict(each))))

    def exit_code(self, *, strict: bool = False) -> Exit:
        """Return the code the run ends with: what could not be judged weighs as much as its check does."""
        return worst(*self._codes(strict=strict))

    @property
    def complete(self) -> bool:
        """Say whether the run saw all that it was to see, whatever it thinks of it."""
        planned = not any(row.state is State.ERROR for row in self.rows)
        looked = bool(self.findings or self.rows)
        return looked and planned and not self.unreachable and not any(map(_unjudged, self.findings))

    def _codes(self, *, strict: bool) -> Iterator[Exit]:
        if self.unreachable:
            yield Exit.UNREACHABLE
        if self.pending:
            yield Exit.PENDING
        if self.accepted and strict:
            yield Exit.WARNINGS
        if any(row.state is State.ERROR for row in self.rows):
            yield Exit.FAILED
        if not self.findings and not self.rows:
            yield Exit.FAILED  # nothing was looked at, which is never a pass
        if self.untold:
            yield Exit.FAILED  # nobody may take a night for a quiet one because nobody could be told
        for finding in self.findings:
            match verdict(finding):
                case Verdict.ERROR:
                    yield Exit.FAILED
                case Verdict.UNAVAILABLE if _unjudged(finding):
                    yield Exit.FAILED
                case Verdict.WARNING | Verdict.UNAVAILABLE if strict:
                    yield Exit.WARNINGS


def _unjudged(finding: Finding) -> bool:
    """Say whether something that weighs as an error could not be judged, and nobody accepts that."""
    unread = finding.status is Status.UNAVAILABLE
    return unread and finding.severity is Severity.ERROR and finding.ignored is None


def run_id(now: datetime, token: str) -> str:
    """Return a run's name, which sorts by time: `20261130T031700Z-9f3a`."""
    return f"{stamp(now)}-{token}"


def stamp(moment: datetime) -> str:
    """Return a moment as runs are named by it, to the second."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
