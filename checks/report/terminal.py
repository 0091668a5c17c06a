"""How wide a stream is and whether it wants colours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import TextIO

PIPE_WIDTH = 100  # what is read later, in a log, should not depend on the window it was made in
WIDEST = 140  # evidence further from its title is hard to follow


def width(stream: TextIO) -> int:
    """Return the columns to fill."""
    if not stream.isatty():
        return PIPE_WIDTH
    return min(shutil.get_terminal_size((PIPE_WIDTH, 24)).columns, WIDEST)


def color(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether to colour: a terminal that is not dumb, and no NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
