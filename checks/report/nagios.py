"""A report as the one line of a Nagios plugin, with performance data."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.report.phrases import ago, overall, summary
from checks.report.report import Report, Verdict

_STATES = {
    Verdict.ERROR: ("CRITICAL", 2),
    Verdict.WARNING: ("WARNING", 1),
    Verdict.UNAVAILABLE: ("UNKNOWN", 3),
    Verdict.PASS: ("OK", 0),
}
"""By verdict a plugin's word and exit code: monitoring-plugins.org/doc/guidelines.html, on return codes."""

UNKNOWN = _STATES[Verdict.UNAVAILABLE][1]


def code(report: Report) -> int:
    """Return what a plugin exits with; Nagios takes 0 to 3 and no other."""
    return _STATES[overall(report)][1]


def late(report: Report, now: datetime, due: timedelta) -> str:
    """Return what a plugin that exits with UNKNOWN says when nobody has looked for longer than `due`.

    It has no performance data, as that would be taken for today's.
    """
    hours = due // timedelta(hours=1)
    said = f"last run {ago(report, now)}, wanted one in <= {hours} hours; it said: {summary(report)}"
    return unknown(report.cluster, report.verb, said)


def unknown(cluster: str, verb: str, said: str) -> str:
    """Return what a plugin that exits with UNKNOWN says."""
    return f"SLIPWAY {_STATES[Verdict.UNAVAILABLE][0]} - {cluster} {verb}: {said}\n"


def render(report: Report) -> str:
    """Return `SLIPWAY OK - lab drift: 57 passed|errors=0 ...`."""
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
    return f"SLIPWAY {_STATES[overall(report)][0]} - {said}|{performance}\n"
