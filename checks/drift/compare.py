"""Tonight against the last report: what is new, what is still there and since when, what is gone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from checks.finding import Finding, Severity, Status
from checks.report import Report
from checks.report.report import QUIET, Key, key, row_key, verdict
from deploy.model.row import Row, State


def compared(now: Report, before: Report | None, unjudged: Collection[str] = ()) -> Report:
    """Return tonight's report with its history; `unjudged` are the phases that nothing could be said of.

    What could not be looked at tonight keeps its date, and is not taken for gone.
    """
    if before is None:
        return replace(now, since=dict.fromkeys(problems(now), now.started))
    old = problems(before)
    known = {each: before.since.get(each, before.started) for each in [*old, *before.since]}
    unseen = _unseen(known, now, unjudged)
    still = {each: known.get(each, now.started) for each in problems(now)}
    carried = {each: known[each] for each in known if each in unseen and each not in still}
    gone = [old[each] for each in old if each not in still and each not in unseen]
    return replace(now, since={**still, **carried}, gone=tuple(gone))


def problems(report: Report) -> dict[Key, Finding]:
    """Return all that is not as it should be, by what makes it the same in another night."""
    found = {key(each): each for each in report.findings if verdict(each) not in QUIET}
    return found | {row_key(row): _as_finding(row) for row in report.rows if row.state is not State.NONE}


def _unseen(known: Iterable[Key], now: Report, unjudged: Collection[str]) -> set[Key]:
    """Return of what tonight cannot tell that it is gone: where nobody could look, silence is no proof."""
    said = {key(found) for found in now.findings}
    unread = {found.check for found in now.findings if found.status is Status.UNAVAILABLE}
    cut = {(row.phase, row_key(row)[1]) for row in now.rows if row.state is State.ERROR}

    def hidden(check: str, host: str | None) -> bool:
        phase, bar, _ = check.partition(" | ")
        if bar:  # a phase ends at its first error on a host
            return phase in unjudged or (phase, host) in cut
        return (check, host) not in said and check in unread

    away = now.unseen
    return {each for each in known if (each[1] in away and each not in said) or hidden(*each)}


def _as_finding(row: Row) -> Finding:
    """Return a pending operation in the form of a finding, to be kept when it is gone."""
    check, host = row_key(row)
    said = row.reason or ""
    return Finding(
        check, host, Status.FAIL, Severity.WARNING, found=said, group=row.phase, ignored=row.ignored
    )
