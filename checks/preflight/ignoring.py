"""What somebody accepted: shown, and only a warning until its last day is over."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date

from checks.finding import Finding, Status
from deploy.model import Accepted, Cluster, DriftIgnore, Ignore
from deploy.model.row import Row, State

ON_REQUEST = "--ignore on the command line"


def ignoring(
    findings: list[Finding], accepted: Sequence[Ignore | DriftIgnore], asked: Collection[str], today: date
) -> list[Finding]:
    """Return the findings with what was accepted said on them; what expired counts again and says so."""
    return [_finding(finding, accepted, asked, today) for finding in findings]


def ignoring_rows(rows: Sequence[Row], cluster: Cluster, today: date) -> list[Row]:
    """Return a night's plan in the same way; a phase that could not be planned is nothing to accept."""
    return [_row(row, cluster, today) if row.pending else row for row in rows]


def misspelt(accepted: Sequence[DriftIgnore], rows: Sequence[Row]) -> list[str]:
    """Return which accepted operations nothing is called of all that was planned, and the nearest of each.

    Of a phase that could not be planned to its end nothing is said.
    """
    cut = {row.phase for row in rows if row.state is State.ERROR}
    wrong = []
    for each in accepted:
        phase, bar, operation = (each.plan or "").partition(" | ")
        there = {row.operation for row in rows if row.phase == phase}
        if not bar or phase in cut or not there or operation in there:
            continue
        near = difflib.get_close_matches(operation, there, n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        wrong.append(f'drift_ignore: {phase} has no operation "{operation}" in this plan{hint}')
    return wrong


def _finding(
    finding: Finding, accepted: Sequence[Ignore | DriftIgnore], asked: Collection[str], today: date
) -> Finding:
    if finding.status not in (Status.FAIL, Status.UNAVAILABLE):
        return finding
    if finding.check in asked:
        return replace(finding, ignored=ON_REQUEST)
    fitting = [each for each in accepted if each.check == finding.check and each.host in (None, finding.host)]
    ignored, expired = _said(fitting, today)
    return replace(finding, ignored=ignored, detail=_joined(finding.detail, expired))


def _row(row: Row, cluster: Cluster, today: date) -> Row:
    """Accept an operation; one of the cluster by the name of any control plane, whichever speaks tonight."""
    names = (row.phase, f"{row.phase} | {row.operation}")
    speaking = [node.name for node in cluster.control_planes] if row.of_cluster else []
    hosts = (None, row.host, *speaking)
    fitting = [each for each in cluster.drift_ignore if each.plan in names and each.host in hosts]
    ignored, expired = _said(fitting, today)
    return replace(row, ignored=ignored, reason=_joined(row.reason or "", expired) or None)


def _said(fitting: Sequence[Accepted], today: date) -> tuple[str | None, str]:
    """Return why it is accepted, or else what is said of one that expired."""
    for each in fitting:
        if today <= each.expires:
            return f"{each.reason} (until {each.expires})", ""
    return None, f"it was accepted until {fitting[-1].expires}: {fitting[-1].reason}" if fitting else ""


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
