"""systemd units that run with what is on disk now: a restart follows from state, not from who changed it."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.files import Digests
from deploy.facts.units import UnitAge, UnitState
from deploy.model.row import Disturbs
from deploy.observe import units as observed
from deploy.operations import files, notes
from deploy.operations.files import File

UNITS = "/etc/systemd/system"
PLAIN = re.compile(r"[A-Za-z0-9@+:,./_-]+")
# systemd gives up after 90 s by itself (DefaultTimeoutStartSec), and its own words are better than ours.
START_SECONDS = 100
# (start or restart, unit) -> the command that does it and comes back
Bounded = Callable[[str, str], StringCommand]


@dataclass(frozen=True, slots=True)
class Pinned:
    """An input that is known by its digest, as a downloaded binary is."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit to run. `content` is None where a package brings the unit's file.

    `inputs` are the files that it reads when it starts, beside its own: paths, or what shall be there, so
    that a plan knows of a restart before the file is written.
    """

    name: str
    content: bytes | None
    inputs: tuple[str | File | Pinned, ...] = ()


def _paths(unit: Unit) -> list[str]:
    paths = [item if isinstance(item, str) else item.path for item in unit.inputs]
    if odd := [path for path in (unit.name, *paths) if not PLAIN.fullmatch(path)]:
        raise ValueError(f"not a path that a unit's file can hold: {', '.join(odd)}")
    return paths


def own_file(unit: Unit) -> list[File]:
    """Return the unit's file, where it is ours."""
    return [] if unit.content is None else [File(f"{UNITS}/{unit.name}", unit.content)]


def drop_in(unit: Unit) -> list[File]:
    """Return what records the unit's inputs when it starts; it is no input itself, to record is no change."""
    paths = [*(file.path for file in own_file(unit)), *_paths(unit)]
    record = observed.record_command(unit.name, paths).replace("%", "%%")
    text = f"[Service]\nExecStartPre=-+/bin/sh -c '{record}'\n"
    return [File(f"{UNITS}/{unit.name}.d/10-slipway.conf", text.encode())] if paths else []


def own_files(unit: Unit) -> list[File]:
    """Return all that we write for the unit."""
    return [*own_file(unit), *drop_in(unit)]


def _read(unit: Unit, paths: Sequence[str]) -> observed.Unit:
    found: observed.Unit | None = host.get_fact(UnitState, unit=unit.name, inputs=list(paths))
    if found is None:
        raise HostError(f"could not read {unit.name}: systemd did not answer `systemctl show`")
    if found.load == "masked":
        raise HostError(
            f"{unit.name} is masked, so nothing can start it; "
            f"find out who masked it, then run `systemctl unmask {unit.name}`"
        )
    return found


def changed(found: observed.Unit, paths: Sequence[str], digests: Mapping[str, str]) -> list[str]:
    """Return the inputs that are not what the unit started with; `digests` are of those that may differ."""
    now = {path: found.recorded[path] for path in found.unchanged} | dict(digests)
    return [path for path in paths if now.get(path) != found.recorded.get(path)]


def _changed(unit: Unit, found: observed.Unit, own: Sequence[File], paths: Sequence[str]) -> list[str]:
    wanted = {item.path: item.sha256 for item in (*own, *unit.inputs) if not isinstance(item, str)}
    unsure = [path for path in paths if path not in found.unchanged and path not in wanted]
    now: dict[str, str] | None = host.get_fact(Digests, paths=unsure) if unsure else {}
    if now is None:
        raise HostError(f"could not hash what {unit.name} starts with: {', '.join(unsure)}")
    return changed(found, paths, {**now, **wanted})


def _bounded(verb: str, name: str) -> StringCommand:
    """Start or restart; when it fails the unit's last words are the error."""
    unit = QuoteString(name)
    failed = QuoteString(f"{name} did not {verb}; its last words:")
    return StringCommand(
        *(f"timeout -k 5 {START_SECONDS} systemctl {verb} --", unit, "|| { echo", failed, ">&2;"),
        *("journalctl -u", unit, "-n 20 --no-pager -o cat >&2; exit 1; }"),
    )


def _start(
    unit: Unit, found: observed.Unit, differing: Sequence[str], disturbs: Disturbs, bounded: Bounded
) -> files.Commands:
    if not found.up:
        notes.reason(f"{unit.name} is {found.active}, it shall run")
        if found.active == "failed":
            yield StringCommand("systemctl reset-failed --", QuoteString(unit.name))
        yield bounded("start", unit.name)
    elif differing:
        notes.disturbs(disturbs)
        known = [path for path in differing if path in found.recorded]
        notes.reason(
            f"{unit.name} restarts: it started with another {', '.join(known or differing)}"
            if found.recorded
            else f"{unit.name} restarts: what it started with is not recorded"
        )
        yield bounded("restart", unit.name)


@operation()
def brought_up(
    unit: Unit, disturbs: Disturbs = Disturbs.SERVICE, bounded: Bounded = _bounded
) -> files.Commands:
    """The unit is installed, enabled and running, and it runs with its inputs as they are now.

    `disturbs` is what a restart of a running unit disturbs; a first start disturbs nothing. `bounded` makes
    the command that starts or restarts it and ends, whatever the unit does.
    """
    own = own_file(unit)
    paths = [*(file.path for file in own), *_paths(unit)]
    found = _read(unit, paths)
    differing = _changed(unit, found, own, paths)

    rewritten = False
    for command in files.present._inner(own_files(unit)):
        rewritten = True
        yield command
    if found.stale and not rewritten:
        notes.reason(f"systemd has not read the files of {unit.name} as they are now")
    if found.stale or rewritten:
        yield StringCommand("systemctl daemon-reload")
    if not found.enabled:
        notes.reason(f"{unit.name} is {found.file_state or 'not installed'}, it shall come back at boot")
        yield StringCommand("systemctl enable --quiet --", QuoteString(unit.name))
    yield from _start(unit, found, differing, disturbs, bounded)


@operation()
def configured(unit: str, file: File, disturbs: Disturbs = Disturbs.NOTHING) -> files.Commands:
    """The file is there, and the unit was started after it was written; a unit that is off stays off.

    For units of the system that start before a drop-in of ours could record anything.
    """
    found: observed.Age | None = host.get_fact(UnitAge, unit=unit, path=file.path)
    if found is None:
        raise HostError(f"could not read {unit}: systemd did not answer `systemctl show`")
    written = list(files.present._inner([file]))
    yield from written
    if found.outdated or (written and found.started is not None):
        notes.reason(f"{unit} restarts to read {file.path}")
        notes.disturbs(disturbs)
        yield _bounded("restart", unit)


@operation()
def stopped(unit: str, disturbs: Disturbs = Disturbs.SERVICE) -> Generator[StringCommand, None, None]:
    """A unit neither runs nor comes back at boot; one that is not there is as good."""
    found: observed.Unit | None = host.get_fact(UnitState, unit=unit, inputs=[])
    if found is None:
        raise HostError(f"could not read {unit}: systemd did not answer `systemctl show`")
    if found.up or found.file_state == "enabled":
        notes.reason(f"{unit} is {found.active} and {found.file_state}, it shall not run")
        notes.disturbs(disturbs)
        yield StringCommand("systemctl disable --now --", QuoteString(unit))
