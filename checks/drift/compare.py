"""Tonight against the last report: what is new, what is still there and since when, what is gone. Pure."""

from __future__ import annotations

from collections.abc import Collection
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
    unseen = {each for each in known if not _seen(each, now, unjudged)}
    still = {each: known.get(each, now.started) for each in problems(now)}
    carried = {each: known[each] for each in known if each in unseen and each not in still}
    gone = [old[each] for each in old if each not in still and each not in unseen]
    return replace(now, since={**still, **carried}, gone=tuple(gone))


def problems(report: Report) -> dict[Key, Finding]:
    """Return all that is not as it should be, by what makes it the same in another night."""
    found = {key(each): each for each in report.findings if verdict(each) not in QUIET}
    return found | {row_key(row): _as_finding(row) for row in report.rows if row.state is not State.NONE}


def _seen(each: Key, now: Report, unjudged: Collection[str]) -> bool:
    """Say whether tonight can tell that it is gone: where nobody could look, silence is no proof."""
    check, host = each
    phase, bar, _ = check.partition(" | ")
    if host in now.unreachable or (bar and phase in unjudged):
        return False
    if bar:  # a phase ends at its first error on a host
        return not any((row.phase, row.host, row.state) == (phase, host, State.ERROR) for row in now.rows)
    said = {found.host: found.status for found in now.findings if found.check == check}
    return host in said or Status.UNAVAILABLE not in said.values()


def _as_finding(row: Row) -> Finding:
    """Return a pending operation in the form of a finding, to be kept when it is gone."""
    check, host = row_key(row)
    said = row.reason or ""
    return Finding(
        check, host, Status.FAIL, Severity.WARNING, found=said, group=row.phase, ignored=row.ignored
    )
