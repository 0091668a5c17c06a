"""What hosts said, without what a terminal would obey."""

from __future__ import annotations

# C0, DEL and C1 of ISO 6429, but tab and line feed; XML 1.0 takes few of them either
_CONTROL = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\t"), ord("\n")})


def printable(text: str) -> str:
    """Return a text that may be shown: it can neither move a cursor nor name a window."""
    return text.translate(_CONTROL)
