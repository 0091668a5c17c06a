"""A report as the one line of a Nagios plugin, with performance data."""

from __future__ import annotations

from checks.report.phrases import overall, summary
from checks.report.report import Report, Verdict

_WORDS = {
    Verdict.ERROR: "CRITICAL",
    Verdict.WARNING: "WARNING",
    Verdict.UNAVAILABLE: "UNKNOWN",
    Verdict.PASS: "OK",
}


def render(report: Report) -> str:
    """Return `SLIPWAY OK - lab drift: 57 passed|errors=0 ...`; the exit code stays slipway's own."""
    counts = report.counts
    figures = {
        "errors": str(counts[Verdict.ERROR]),
        "warnings": str(counts[Verdict.WARNING]),
        "unavailable": str(counts[Verdict.UNAVAILABLE]),
        "passed": str(counts[Verdict.PASS]),
        "pending": str(len(report.pending)),
        "time": f"{report.seconds:.3f}s",
    }
    performance = " ".join(f"{name}={value}" for name, value in figures.items())
    said = f"{report.cluster} {report.verb}: {summary(report)}"
    return f"SLIPWAY {_WORDS[overall(report)]} - {said}|{performance}\n"
