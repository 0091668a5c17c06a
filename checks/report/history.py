"""The reports of past runs, one file each: written whole or not at all, and only whole ones are read."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from checks.report import document
from checks.report.report import Report, stamp
from deploy.errors import RunError

KEPT = 90  # runs of each verb: three months of nights


def save(directory: Path, report: Report) -> Path:
    """Keep a report, and forget the oldest ones of its verb.

    Those that began later, by a clock that was wrong then or is wrong now, are not counted.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RunError(f"{directory} could not be made: {error.strerror}") from error
    path = directory / f"{report.run}.{report.verb}.json"
    write(path, document.render(report))
    for old in runs(directory, report.verb, report.started)[:-KEPT]:
        old.unlink(missing_ok=True)
    return path


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file whole or not at all, also when the disk is full or the machine dies."""
    part = path.with_name(f".{path.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(mode)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise RunError(f"{path} could not be written: {error.strerror or error}") from error


def runs(directory: Path, verb: str, now: datetime) -> list[Path]:
    """Return the files of a verb's runs that began by now, the oldest first."""
    return [path for path in _all(directory, verb) if _began(path) <= stamp(now)]


def ahead(directory: Path, verb: str, now: datetime) -> list[Path]:
    """Return the files of runs that began later than now, which no clock allows, the oldest first."""
    return [path for path in _all(directory, verb) if _began(path) > stamp(now)]


def _all(directory: Path, verb: str) -> list[Path]:
    return sorted(directory.glob(f"[0-9]*.{verb}.json"))


def _began(path: Path) -> str:
    return path.name.partition("-")[0]


def load(directory: Path, verb: str, newest: int, now: datetime) -> list[Report]:
    """Return the newest reports of a verb, the oldest of them first.

    What is damaged is left out, and what began later than now: nothing would ever be newer.
    """
    found: list[Report] = []
    for path in reversed(runs(directory, verb, now)):
        if len(found) == newest:
            break
        try:
            found.append(document.read(path.read_text(), str(path)))
        except (RunError, OSError, UnicodeDecodeError):
            continue
    return found[::-1]


def last(directory: Path, verb: str, now: datetime) -> Report | None:
    """Return the newest whole report of a verb that began by now."""
    return next(iter(load(directory, verb, 1, now)), None)
