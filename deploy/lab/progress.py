"""What a long run shows: a moving line on a terminal, one line per finished item anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

Note = Callable[[str], None]
"""Says what an item is busy with."""


def silent(_: str) -> None:
    """Say nothing."""


@dataclass
class Progress:
    """Names each item with how long it took; `seconds` is kept for whoever wants the sum."""

    console: Console = field(default_factory=Console)
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def item(self, title: str) -> Iterator[Note]:
        """Show that an item is being worked on, and when it is done how long it took."""
        begun = time.monotonic()
        with self._live(title) as note:
            yield note
        self.seconds[title] = time.monotonic() - begun
        self.say(f"  {title:<44}{self.seconds[title]:7.1f} s")

    @contextmanager
    def _live(self, title: str) -> Iterator[Note]:
        if not self.console.is_terminal:
            yield silent
            return
        with self.console.status(title) as status:
            yield lambda text: status.update(f"{title}: {text}")
