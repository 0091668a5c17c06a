"""Text of the form `key=value`, one a line, which is how most of what is read comes back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class UnreadableError(ValueError):
    """What a host printed is not what was asked for; the text says what is missing."""


def pairs(text: str) -> dict[str, str]:
    """Return the last value of each key; lines without `=` are passed over."""
    split = (line.partition("=") for line in text.splitlines())
    return {key.strip(): value.strip() for key, equals, value in split if equals}


def words(text: str) -> dict[str, str]:
    """Return the `key=value` words of one line."""
    split = (word.partition("=") for word in text.split())
    return {key: value for key, equals, value in split if equals}


def required(found: Mapping[str, str], keys: Iterable[str]) -> None:
    """Raise when a key is missing, so that half an answer is not taken for a whole one."""
    if missing := [key for key in keys if key not in found]:
        raise UnreadableError(f"nothing was said about {', '.join(missing)}")


def number(text: str | None) -> int | None:
    """Return a decimal number, None for anything else."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else None
