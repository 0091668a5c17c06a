"""Findings, worded by the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from checks.catalogue import check
from checks.finding import Finding, Status


def judged(id_: str, host: str | None, good: bool, *, found: str, wanted: str, detail: str = "") -> Finding:
    """Return a pass or a failure; the remedy is the catalogue's."""
    entry = check(id_)
    return Finding(
        check=entry.id,
        host=host,
        status=Status.PASS if good else Status.FAIL,
        severity=entry.severity,
        found=found,
        wanted=wanted,
        detail=detail,
        remedy="" if good else entry.remedy,
        group=entry.group,
    )


def unread(id_: str, host: str | None, cause: str) -> Finding:
    """Return that nothing can be said, and why."""
    return _unjudged(id_, host, Status.UNAVAILABLE, cause)


def skipped(id_: str, host: str | None, reason: str) -> Finding:
    """Return that a check does not apply here."""
    return _unjudged(id_, host, Status.SKIPPED, reason)


def listed(items: object, most: int = 6) -> str:
    """Return items as `a, b, c and 4 more`."""
    texts = (
        [str(item) for item in items] if isinstance(items, (list, tuple, set, frozenset)) else [str(items)]
    )
    shown = ", ".join(texts[:most])
    return shown if len(texts) <= most else f"{shown} and {len(texts) - most} more"


def but(names: Iterable[str]) -> str:
    """Return which of those that were counted are not as wanted: another one then reads as another fault."""
    each = sorted(set(names))
    return f", not {listed(each)}" if each else ""


def _unjudged(id_: str, host: str | None, status: Status, why: str) -> Finding:
    entry = check(id_)
    return Finding(
        check=entry.id, host=host, status=status, severity=entry.severity, found=why, group=entry.group
    )
