"""How an apply goes on: a line per phase with its seconds, and on a terminal what runs right now."""

from __future__ import annotations

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from typing_extensions import override

from deploy.engine.applying import Outcome, Watcher
from deploy.model.row import Row
from deploy.printable import printable

if TYPE_CHECKING:
    from rich.status import Status

TITLE = 34  # columns


class Lines(Watcher):
    """One line per phase; enough for a log, a pipe, and a person in a hurry."""

    @override
    def phase_begins(self, title: str, hosts: Sequence[str]) -> None:
        pass

    @override
    def row_begins(self, row: Row) -> None:
        pass

    @override
    def phase_ended(self, title: str, outcome: Outcome, seconds: float) -> None:
        for row in outcome.unforeseen:
            click.echo(f"  not in the plan that was shown: {row.host}: {row.operation}")
        click.echo(line(title, outcome, seconds))

    @override
    def said(self, text: str) -> None:
        click.echo(printable(text))


class Terminal(Lines):
    """The same lines, and below them the operations that run."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._title = ""
        self._running: dict[str, str] = {}

    @override
    def phase_begins(self, title: str, hosts: Sequence[str]) -> None:
        self._title, self._running = title, {}
        self._status.update(f"{title} ...")

    @override
    def row_begins(self, row: Row) -> None:
        self._running[row.host] = row.operation
        running = "; ".join(f"{host}: {operation}" for host, operation in self._running.items())
        self._status.update(f"{self._title}: {running}")


@contextmanager
def watching() -> Generator[Watcher, None, None]:
    """Yield the watcher that suits where output goes."""
    if not sys.stdout.isatty():
        yield Lines()
        return
    from rich.console import Console  # a tenth of a second that only a terminal is worth

    with Console().status("") as status:
        yield Terminal(status)


def line(title: str, outcome: Outcome, seconds: float) -> str:
    """Return what a phase came to, in one line."""
    parts = [f"{len(outcome.done)} changed"]
    if outcome.deferred:
        parts.append(f"{len(outcome.deferred)} left for the rolling")
    if outcome.failed:
        parts.append(f"failed on {', '.join(dict.fromkeys(row.host for row in outcome.failed))}")
    return f"  {title:<{TITLE}} {seconds:6.1f} s   {', '.join(parts)}"
