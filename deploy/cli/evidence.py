"""What a report of findings is made with, whatever verb makes it."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path

import click

from checks.report import Report, history
from checks.report.phrases import counted
from deploy.engine.session import Session
from deploy.errors import Exit, RunError
from deploy.model import paths


def keep(report: Report) -> bool:
    """Add a report to the history, and return whether it is there; the verdict stands without room."""
    try:
        history.save(paths.reports(report.cluster), report)
    except RunError as error:
        click.echo(str(error), err=True)
        return False
    return True


def told_of_the_clock(directory: Path, verb: str, now: datetime) -> None:
    """Say which reports cannot be gone by: they began later than now."""
    if ahead := history.ahead(directory, verb, now):
        click.echo(
            f"{directory}: {counted(len(ahead), f'{verb} report')} left out that began later than now, "
            f"{now:%Y-%m-%d %H:%M} UTC, up to {ahead[-1].name}: this machine's clock was ahead then, or is "
            "behind now. Set it, and remove them if they are still to come.",
            err=True,
        )


def silent(session: Session) -> dict[str, str]:
    """Return the hosts that did not answer; one that answers but gives no root is a failed check."""
    return {
        name: trouble.text
        for name, trouble in session.troubles.items()
        if trouble.exit_code is Exit.UNREACHABLE
    }


def digest(path: Path) -> str:
    """Return the sha256 of a file's content."""
    return sha256(path.read_bytes()).hexdigest()
