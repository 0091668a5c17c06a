"""A report without what a terminal would obey in what hosts said."""

from __future__ import annotations

from dataclasses import replace

from checks.finding import Finding
from checks.report.report import Report
from deploy.model.row import Row
from deploy.printable import printable as text


def shown(report: Report) -> Report:
    """Return a report that may be shown: text of a host can neither move a cursor nor name a window."""
    return replace(
        report,
        findings=tuple(map(_finding, report.findings)),
        rows=tuple(map(_row, report.rows)),
        gone=tuple(map(_finding, report.gone)),
        unreachable={host: text(cause) for host, cause in report.unreachable.items()},
    )


def _finding(finding: Finding) -> Finding:
    return replace(
        finding,
        found=text(finding.found),
        wanted=text(finding.wanted),
        detail=text(finding.detail),
        remedy=text(finding.remedy),
        ignored=finding.ignored and text(finding.ignored),
    )


def _row(row: Row) -> Row:
    return replace(
        row,
        diff=row.diff and text(row.diff),
        reason=row.reason and text(row.reason),
        ignored=row.ignored and text(row.ignored),
    )
