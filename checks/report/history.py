"""The reports of past runs, one file each: written whole or not at all, and only whole ones are read."""

from __future__ import annotations

import os
from pathlib import Path

from checks.report import document
from checks.report.report import Report
from deploy.errors import RunError

KEPT = 90  # runs of each verb: three months of nights


def save(directory: Path, report: Report) -> Path:
    """Keep a report, and forget the oldest ones of its verb."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise RunError(f"{directory} could not be made: {error.strerror}") from error
    path = directory / f"{report.run}.{report.verb}.json"
    write(path, document.render(report))
    for old in runs(directory, report.verb)[:-KEPT]:
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


def runs(directory: Path, verb: str) -> list[Path]:
    """Return the files of a verb's runs, the oldest first."""
    return sorted(directory.glob(f"[0-9]*.{verb}.json"))


def load(directory: Path, verb: str, newest: int) -> list[Report]:
    """Return the newest reports of a verb, the oldest of them first; what is damaged is left out."""
    found: list[Report] = []
    for path in reversed(runs(directory, verb)):
        if len(found) == newest:
            break
        try:
            found.append(document.read(path.read_text(), str(path)))
        except (RunError, OSError, UnicodeDecodeError):
            continue
    return found[::-1]


def last(directory: Path, verb: str) -> Report | None:
    """Return the newest whole report of a verb."""
    return next(iter(load(directory, verb, 1)), None)
