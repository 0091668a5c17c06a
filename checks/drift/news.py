"""What somebody is to be told: how tonight differs from what they were told last. Pure."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass

from checks.drift.compare import problems
from checks.finding import Finding, Status
from checks.report import Report
from checks.report.report import NO_ANSWER, QUIET, Key, Verdict, key, row_key, verdict
from deploy.model.row import Row, State

Told = Mapping[Key, str]
"""What somebody knows: each fault, and how bad it was said to be."""

# moments, ages, room, processes, counts of what happens all the time: these alone change by themselves
_UNIT = "%|[KMGT]iB|ms|milliseconds|s|seconds|hours?|days?|restarts?|x|slow"
AMOUNT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
    r"|\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?m?s\b"  # as Go writes a duration
    r"|(?<=pid )\d+"
    r"|(?<=:)\d+(?=->)"  # the port of a connection's own end
    rf"|\d+(?:\.\d+)?(?= (?:of \d+ )?(?:{_UNIT})(?!\w))"
)
UNREAD = str(Verdict.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class News:
    """What differs, and what is known to whoever was told."""

    new: tuple[Key, ...]
    changed: tuple[Key, ...]
    gone: tuple[Key, ...]
    known: Told

    def __bool__(self) -> bool:
        """Say whether there is anything to tell."""
        return bool(self.new or self.changed or self.gone)


def news(report: Report, told: Told) -> News:
    """Return what is new, worse, other or gone since somebody was told.

    What somebody accepted, and notes, are nothing to be woken for, nor is what cannot be judged because of a
    fault that is told. Of what could not be looked at tonight the last word stands.
    """
    there, standing, silent = problems(report), faults(report), _silent(report)
    echoes = _echoes(report, standing) - told.keys()
    known = {
        each: told.get(each, said) if said == UNREAD else said
        for each, said in standing.items()
        if each not in echoes
    }
    kept = {
        each: said
        for each, said in told.items()
        if each not in known and (each in silent or _unseen(each, report, there))
    }
    return News(
        new=tuple(each for each in known if each not in told),
        changed=tuple(each for each, said in known.items() if told.get(each, said) != said),
        gone=tuple(each for each in told if each not in there and each not in kept),
        known={**kept, **known},
    )


def faults(report: Report) -> dict[Key, str]:
    """Return each fault that nobody accepted, in words that are the same while it is the same.

    Of a host that is away, or gives no root, that alone is a fault.
    """
    silent = _silent(report)
    found = {key(each): _said(each) for each in report.findings if _counts(each) and key(each) not in silent}
    rows = [row for row in report.rows if row.state is not State.NONE and row.ignored is None]
    told = found | {row_key(row): _planned(row) for row in rows}
    return {each: said for each, said in told.items() if not _away(each, report)}


def _echoes(report: Report, standing: Container[Key]) -> set[Key]:
    """Return what cannot be judged because of a fault that is told itself.

    What failed is none of these: it may be a fault of its own, whatever it most likely comes from.
    """
    return {
        key(each)
        for each in report.findings
        if each.status is Status.UNAVAILABLE and any(cause in standing for cause in each.because)
    }


def _silent(report: Report) -> set[Key]:
    """Return what could not be looked at for its host's sake."""
    unseen = report.unseen
    unread = (each for each in report.findings if each.status is Status.UNAVAILABLE)
    return {key(each) for each in unread if each.host in unseen}


def _counts(finding: Finding) -> bool:
    return verdict(finding) not in (*QUIET, Verdict.NOTE) and finding.ignored is None


def _away(each: Key, report: Report) -> bool:
    check, host = each
    return host in report.unreachable and check != NO_ANSWER


def _unseen(each: Key, report: Report, there: Container[Key]) -> bool:
    """Say whether nothing could be said of it tonight: its host is away, or its date was only carried on."""
    return _away(each, report) or (each in report.since and each not in there)


def _said(finding: Finding) -> str:
    if finding.status is Status.UNAVAILABLE:
        return UNREAD
    return f"{verdict(finding)}: {AMOUNT.sub('#', finding.found)}"


def _planned(row: Row) -> str:
    state = "error" if row.state is State.ERROR else "pending"
    return "\n".join([f"{state}: {AMOUNT.sub('#', row.reason or '')}", *([row.diff] if row.diff else [])])
