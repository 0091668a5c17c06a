"""The words that every format uses for a finding and for a sum."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.finding import Finding, Status
from checks.report.report import Key, Report, Verdict, verdict
from deploy.model.row import Row, State

# what ran or was seen in place of the real thing says so in what was found of it, in brackets
NOT_REAL = ("k3s stand-in", "simulated")

GLYPHS = {
    Verdict.ERROR: "×",
    Verdict.WARNING: "‼",
    Verdict.UNAVAILABLE: "?",
    Verdict.NOTE: "‼",
    Verdict.PASS: "√",
    Verdict.SKIPPED: "-",
}


def evidence(finding: Finding) -> str:
    """Return what was found and what was wanted, on a success too."""
    compared = ", ".join(
        f"{word} {value}" for word, value in (("found", finding.found), ("wanted", finding.wanted)) if value
    )
    match finding.status:
        case Status.PASS if finding.found == finding.wanted and finding.found:
            return f"{finding.found}, as wanted"
        case Status.PASS:
            return compared
        case Status.FAIL:
            return compared or "failed"
        case Status.SKIPPED | Status.UNAVAILABLE:
            cause = finding.found or first_line(finding.detail)
            return f"{finding.status}: {cause}" if cause else str(finding.status)


def first_line(text: str) -> str:
    """Return the first line of a text that may be empty."""
    return text.splitlines()[0] if text else ""


def counted(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def summary(report: Report) -> str:
    """Return what a run adds up to: `1 error, 2 warnings, 57 passed, 12 skipped, 1 unavailable`.

    Where something was not the real thing, the sum says so behind it: `57 passed (k3s stand-in)`.
    """
    counts = report.counts
    parts = [
        counted(counts[Verdict.ERROR], "error") if counts[Verdict.ERROR] else "",
        counted(counts[Verdict.WARNING], "warning") if counts[Verdict.WARNING] else "",
        counted(counts[Verdict.NOTE], "note") if counts[Verdict.NOTE] else "",
        f"{counts[Verdict.PASS]} passed",
        f"{counts[Verdict.SKIPPED]} skipped" if counts[Verdict.SKIPPED] else "",
        f"{counts[Verdict.UNAVAILABLE]} unavailable" if counts[Verdict.UNAVAILABLE] else "",
        counted(len(report.pending), "pending change") if report.pending else "",
        counted(len(report.accepted), "accepted change") if report.accepted else "",
    ]
    silent = [f"nobody was told by the {hook}" for hook in report.untold]
    return ", ".join([", ".join(filter(None, parts)) + _not_real(report), *silent])


def _not_real(report: Report) -> str:
    told = [word for word in NOT_REAL if any(f"({word})" in each.found for each in report.findings)]
    return f" ({', '.join(told)})" if told else ""


def overall(report: Report) -> Verdict:
    """Return the one word for the whole run; nothing looked at is never a pass."""
    counts = report.counts
    unplanned = any(row.state is State.ERROR for row in report.rows)
    if counts[Verdict.ERROR] or unplanned or not (report.findings or report.rows):
        return Verdict.ERROR
    if report.unreachable or counts[Verdict.UNAVAILABLE]:
        return Verdict.UNAVAILABLE
    warned = counts[Verdict.WARNING] or report.pending or report.accepted or report.untold
    return Verdict.WARNING if warned else Verdict.PASS


def reason(row: Row) -> str:
    """Return why an apply would act on a row, and why that is accepted."""
    return "; ".join(part for part in (row.reason, row.ignored and f"ignored: {row.ignored}") if part)


GROUPS = {
    "rt": "runtime",
    "k8s": "kubernetes",
    "int": "gpu-intel",
    "amd": "gpu-amd",
    "nv": "gpu-nvidia",
    "lb": "load balancer",
    "gw": "gateway",
    "vol": "volumes",
    "s3": "object store",
    "reg": "registry",
    "kit": "modelkit",
    "srv": "serving",
    "ops": "operation",
}
"""Headings for those groups of ids that do not say it themselves."""


def age(report: Report, of: Key) -> str:
    """Return since when a problem is there; empty for a report that was compared with no other."""
    since = report.since.get(of)
    if since is None:
        return ""
    return "this run" if since == report.started else f"{since:%Y-%m-%d %H:%M} UTC"


def dated(report: Report, now: datetime) -> str:
    """Return what a report that is shown again is of: `drift of lab, 2026-11-30 03:17 UTC, 6 hours ago`."""
    return f"{report.verb} of {report.cluster}, {report.started:%Y-%m-%d %H:%M} UTC, {ago(report, now)}"


def ago(report: Report, now: datetime) -> str:
    """Return how long ago a run began, in a unit that leaves a number to compare."""
    minutes = (now - report.started) // timedelta(minutes=1)
    if minutes < 120:
        return f"{counted(minutes, 'minute')} ago"
    return f"{minutes // 60} hours ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"


def cause(other: tuple[str, str | None]) -> str:
    """Return what another fault is called that one most likely comes from: `K8S-13 (w1)`."""
    check, host = other
    return f"{check} ({host or 'cluster'})"


def causes(finding: Finding) -> str:
    """Return all of them; empty for none."""
    return ", ".join(map(cause, finding.because))


def heading(group: str, host: str | None) -> str:
    """Return `runtime · node w1`, or `kubernetes` for what belongs to no host."""
    parts = (GROUPS.get(group, group), f"node {host}" if host else "")
    return " · ".join(part for part in parts if part) or "cluster"


def where(finding: Finding) -> str:
    """Return the host, or `cluster`."""
    return finding.host or "cluster"


def glyph(finding: Finding) -> str:
    """Return the sign of a finding."""
    return GLYPHS[verdict(finding)]
