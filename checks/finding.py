"""What a check says: one finding per check and host."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a check ended; a fact that could not be read is UNAVAILABLE, never a pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    FAIL = "fail"
    SKIPPED = "skipped"
    UNAVAILABLE = "unavailable"


class Severity(StrEnum):
    """How much a failed check weighs."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's verdict on one host, or on the cluster when `host` is None.

    `because` names the faults of the same run that this one most likely comes from, by check and host.
    """

    check: str
    host: str | None
    status: Status
    severity: Severity = Severity.ERROR
    found: str = ""
    wanted: str = ""
    detail: str = ""
    remedy: str = ""
    group: str = ""
    ignored: str | None = None
    because: tuple[tuple[str, str | None], ...] = ()
