"""Waiting for what takes a moment: bounded, and never silent about what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Tell = Callable[[str], None]
# Seconds until everybody who watches the API has seen a new object and done his part. Who was cut off while
# the API server was silent asks again after pauses that grow to between 30 and 60 s, also once it is back
# (client-go, tools/cache/reflector.go: defaultBackoffMax, defaultBackoffJitter); the rest is for the doing.
NOTICED = 75.0


def silently(text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that must come; `bound` is the longest wait and `every` the pause between looks, seconds."""

    name: str
    bound: float
    every: float = 0.25


def wait(
    gate: Gate,
    look: Callable[[], str | None],
    tell: Tell = silently,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> str | None:
    """Look until there is no cause to wait any more; return the last cause when the time is over."""
    until = clock() + gate.bound
    told = None
    while (cause := look()) is not None:
        if cause != told:
            tell(f"waiting for {gate.name}: {cause}")
            told = cause
        if clock() + gate.every > until:
            return cause
        sleep(gate.every)
    if told is not None:
        tell(f"waiting for {gate.name}: it is there")
    return None
