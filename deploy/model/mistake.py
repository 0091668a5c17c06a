"""A mistake in an inventory: where it is, and the words for it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Place = tuple[str | int, ...]
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at one place; `involves` names the other places that the judgement rests on."""

    place: Place
    text: str
    involves: tuple[Place, ...] = ()

    def rests_on(self, broken: Iterable[Place]) -> bool:
        """Say whether the judgement looked at, above or below a place that is itself a mistake."""
        mine = (self.place, *self.involves)
        return any(_within(a, b) or _within(b, a) for a in mine for b in broken)


def _within(inner: Place, outer: Place) -> bool:
    return inner[: len(outer)] == outer


def written(place: Place) -> str:
    """Return a place as people write it: `nodes[1].address`."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text or "the file"


def shown(value: Any) -> str:
    """Return what was found, short, and with its kind where YAML may have read it unexpectedly."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping of keys" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    if isinstance(value, bool):
        return f"{text} (yes or no)"
    return f"{text} (a number)" if isinstance(value, int | float) else text


def report(path: Path, mistakes: Iterable[Mistake], lines: Mapping[Place, int]) -> str:
    """Return all mistakes as one text, in the order of the file."""
    told = {(line_of(m.place, lines), f"{written(m.place)}{_at(m.place, lines)}: {m.text}") for m in mistakes}
    return "\n".join([f"{path} is not a valid cluster:", *(f"  {text}" for _, text in sorted(told))])


def line_of(place: Place, lines: Mapping[Place, int]) -> int:
    """Return the line of a place, or of the nearest place above it that is in the file."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _at(place: Place, lines: Mapping[Place, int]) -> str:
    return f" (line {line_of(place, lines)})" if place else ""
