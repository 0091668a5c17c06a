"""What hosts said, without what a terminal would obey."""

from __future__ import annotations

from dataclasses import replace

from checks.finding import Finding
from checks.report.report import Report
from deploy.model.row import Row

# C0, DEL and C1 of ISO 6429, but tab and line feed; XML 1.0 takes few of them either
_CONTROL = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\t"), ord("\n")})


def printable(report: Report) -> Report:
    """Return a report that may be shown: text of a host can neither move a cursor nor name a window."""
    return replace(
        report,
        findings=tuple(map(_finding, report.findings)),
        rows=tuple(map(_row, report.rows)),
        gone=tuple(map(_finding, report.gone)),
        unreachable={host: _text(cause) for host, cause in report.unreachable.items()},
    )


def _finding(finding: Finding) -> Finding:
    return replace(
        finding,
        found=_text(finding.found),
        wanted=_text(finding.wanted),
        detail=_text(finding.detail),
        remedy=_text(finding.remedy),
        ignored=finding.ignored and _text(finding.ignored),
    )


def _row(row: Row) -> Row:
    return replace(
        row,
        diff=row.diff and _text(row.diff),
        reason=row.reason and _text(row.reason),
        ignored=row.ignored and _text(row.ignored),
    )


def _text(text: str) -> str:
    return text.translate(_CONTROL)
