"""A systemd unit: what its manager says of it, and what it started with."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

RECORDS = "/run/slipway"
END = "end-of-unit"
_PROPERTIES = ("LoadState", "ActiveState", "SubState", "UnitFileState", "NeedDaemonReload")
_STAT = "%i %s %z"
_UP = ("active", "activating", "reloading", "refreshing")
_ENABLED = ("enabled", "static", "indirect", "generated", "alias", "linked")


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is. Digests are by path: `recorded` when it started, `unchanged` those that still hold."""

    load: str
    active: str
    sub: str
    file_state: str
    stale: bool
    recorded: dict[str, str]
    unchanged: frozenset[str]

    @property
    def up(self) -> bool:
        """Say whether the manager runs it, or is about to."""
        return self.active in _UP

    @property
    def enabled(self) -> bool:
        """Say whether it comes back at boot."""
        return self.file_state in _ENABLED


@dataclass(frozen=True, slots=True)
class Age:
    """When a unit became active and a file was written; None where it is not, or is not there."""

    started: int | None
    written: int | None

    @property
    def outdated(self) -> bool:
        """Say whether the unit runs with an older file than there is now."""
        return self.started is not None and self.written is not None and self.written > self.started


def record_path(name: str) -> str:
    """Return the file that says what a unit started with."""
    return f"{RECORDS}/{name}.inputs"


def record_command(name: str, inputs: Sequence[str]) -> str:
    """Return the shell that a unit runs before it starts; stat first, so that a late change is noticed."""
    paths, record = " ".join(inputs), record_path(name)
    return (
        f'mkdir -p {RECORDS}; export TZ=UTC; {{ stat -Lc "stat {_STAT} %n" {paths}; sha256sum {paths}; }} '
        f"2>/dev/null >{record}.part; mv -f {record}.part {record}"
    )


def command(name: str, inputs: Sequence[str]) -> str:
    """Return what reads a unit's state, its record, and the stat of its inputs now."""
    properties = " ".join(f"-p {word}" for word in _PROPERTIES)
    stats = f"stat -Lc 'now {_STAT} %n' -- {shlex.join(inputs)} 2>/dev/null; " if inputs else ""
    return (
        f"export LC_ALL=C TZ=UTC; systemctl show --no-pager {properties} -- {shlex.quote(name)}; "
        f"cat -- {shlex.quote(record_path(name))} 2>/dev/null; {stats}echo {END}"
    )


def parse(lines: Sequence[str]) -> Unit | None:
    """Return the unit; None when systemd did not answer or the output is cut off."""
    facts: dict[str, str] = {}
    recorded: dict[str, str] = {}
    stats: dict[str, dict[str, str]] = {"stat": {}, "now": {}}
    for line in lines:
        word, _, rest = line.partition(" ")
        key, equals, value = line.partition("=")
        if word in stats and rest.count(" ") >= 5:
            *stat, path = rest.split(" ", 5)
            stats[word][path] = " ".join(stat)
        elif line[64:66] in ("  ", " *"):
            recorded[line[66:]] = line[:64]
        elif equals and key in _PROPERTIES:
            facts[key] = value
    if END not in lines or not set(_PROPERTIES) <= set(facts):
        return None
    same = {path for path, stat in stats["now"].items() if stats["stat"].get(path) == stat}
    return Unit(
        facts["LoadState"],
        facts["ActiveState"],
        facts["SubState"],
        facts["UnitFileState"],
        facts["NeedDaemonReload"] == "yes",
        recorded,
        frozenset(same & recorded.keys()),
    )


def age_command(name: str, path: str) -> str:
    """Return what reads when a unit started and when a file was last written, in seconds since 1970."""
    return (
        f"systemctl show --no-pager --timestamp=unix -p ActiveEnterTimestamp -- {shlex.quote(name)}; "
        f"stat -c 'written %Y' -- {shlex.quote(path)} 2>/dev/null; echo {END}"
    )


def parse_age(lines: Sequence[str]) -> Age | None:
    """Return both times; None when systemd did not answer or the output is cut off."""
    started, written, answered = None, None, False
    for line in lines:
        word, _, value = line.replace("=@", " ").replace("=", " ").partition(" ")
        number = int(value) if value.isascii() and value.isdigit() else None
        if word == "ActiveEnterTimestamp":
            started, answered = number, True
        elif word == "written":
            written = number
    return Age(started, written) if answered and END in lines else None
