"""What a plan says: rows as data, one per operation and host."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import IntEnum, StrEnum
from typing import Any

SCHEMA_VERSION = 1
_OF_A_NIGHT = ("ignored", "of_cluster")  # what only reports say of a row


class State(StrEnum):
    """What an operation would do to a host."""

    NONE = "none"
    CHANGE = "change"
    UNKNOWN = "unknown"
    ERROR = "error"


class Disturbs(IntEnum):
    """What a change would disturb on a running cluster, mildest first."""

    NOTHING = 0
    MODEL = 1  # one that is served: the cluster's own matter, whichever host tells it
    SERVICE = 2
    PODS = 3
    HOST = 4


@dataclass(frozen=True, slots=True)
class Row:
    """One operation on one host. `until` names the phase that an UNKNOWN waits for.

    `commands` never hold what a command is given on standard input, which is where secrets travel.
    `of_cluster` says that `host` only speaks for the cluster: another night it may be another control plane.
    `ignored` is a night's: why somebody accepts that this is so, and until when; a plan knows nothing of it.
    """

    phase: str
    host: str
    operation: str
    state: State
    disturbs: Disturbs = Disturbs.NOTHING
    diff: str | None = None
    reason: str | None = None
    until: str | None = None
    commands: tuple[str, ...] = ()
    ignored: str | None = None
    of_cluster: bool = False

    @property
    def pending(self) -> bool:
        """Say whether an apply would have something to do here."""
        return self.state in (State.CHANGE, State.UNKNOWN)

    @property
    def key(self) -> tuple[str, str, str]:
        """Name the row: the same operation has the same key in every plan."""
        return self.phase, self.host, self.operation

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        data = {**asdict(self), "disturbs": self.disturbs.name.lower(), "commands": list(self.commands)}
        return {key: value for key, value in data.items() if key not in _OF_A_NIGHT}
