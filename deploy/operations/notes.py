"""What an operation says about its change while it is planned.

An operation's body calls these just before it yields a command. Outside of a plan they do nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from deploy.model.row import Disturbs


@dataclass(slots=True)
class Notes:
    """What one operation said on one host."""

    diffs: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    disturbs: Disturbs = Disturbs.NOTHING
    until: str | None = None


_current: ContextVar[Notes | None] = ContextVar("notes", default=None)


@contextmanager
def listening() -> Generator[Notes, None, None]:
    """Collect what the operation that is planned inside this block says."""
    notes = Notes()
    token = _current.set(notes)
    try:
        yield notes
    finally:
        _current.reset(token)


def listened_to() -> bool:
    """Say whether a plan is being made: what only a diff needs is not read otherwise."""
    return _current.get() is not None


def diff(title: str, before: str, after: str) -> None:
    """Show a change of text; callers pass digests in place of secrets."""
    if (notes := _current.get()) is not None:
        lines = difflib.unified_diff(before.splitlines(), after.splitlines(), title, title, lineterm="", n=1)
        notes.diffs.append("\n".join(lines))


def reason(text: str) -> None:
    """Say in one line why something changes: what was found, what is wanted."""
    if (notes := _current.get()) is not None:
        notes.reasons.append(text)


def disturbs(what: Disturbs) -> None:
    """Say what the change disturbs; the worst that was said counts."""
    if (notes := _current.get()) is not None:
        notes.disturbs = max(notes.disturbs, what)


def unknown_until(phase: str) -> None:
    """Say that nothing can be known before a phase has run, so that the row counts as a change."""
    if (notes := _current.get()) is not None:
        notes.until = phase
