"""What a report of findings is made with, whatever verb makes it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import click

from checks.report import Report, history
from deploy.engine.session import Session
from deploy.errors import Exit, RunError
from deploy.model import paths


def keep(report: Report) -> None:
    """Add a report to the history; the verdict stands when there is no room."""
    try:
        history.save(paths.reports(report.cluster), report)
    except RunError as error:
        click.echo(str(error), err=True)


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
