"""What must be known to read a run's numbers rightly, and how numbers are written."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.load.generate import PAUSE
from deploy.load.level import Level
from deploy.load.run import Run

BUSY = 0.02  # seconds that this machine's clockwork may run late before its measures are doubtful
FEW = 100
DUMMY = "dummy weights"
LATENCIES = {
    "first_token": "first token",
    "inter_token": "inter-token",
    "end_to_end": "end to end",
    "longest_pause": "longest pause",
}


def duration(seconds: float | None) -> str:
    """Return a time as people read it."""
    if seconds is None:
        return "unknown"
    if seconds < 0.1:
        return f"{seconds * 1000:.1f} ms"
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.1f} s"


def figure(value: float | None, digits: int = 1) -> str:
    """Return a number; what could not be known says so."""
    return "unknown" if value is None else f"{value:.{digits}f}"


def headline(run: Run) -> str:
    """Return what was asked, and of whom."""
    about = f"; {run.about}" if run.about else ""
    return f"{run.model} at {run.url}: {run.workload.said()}{about}"


def faults(run: Run) -> list[tuple[str, str]]:
    """Return each level's failures by kind, with the first of what was said."""
    return [
        (level.load.title, f"{count} x {kind}: {level.said.get(kind, '')}".rstrip(": "))
        for level in run.levels
        for kind, count in level.failed.items()
    ]


def notes(run: Run) -> list[str]:
    """Return what a reader must know, in sentences."""
    said = list(_general(run))
    for level in run.levels:
        said += [f"{level.load.title}: {each}" for each in _of_level(level)]
    if run.interrupted:
        said.append("Interrupted: the last level is cut short, and what was under way is not counted.")
    return said


def _general(run: Run) -> Iterator[str]:
    if DUMMY in run.about:
        yield "Dummy weights: the figures tell that the way to the model works, not how fast a real one is."
    every = "1 request" if run.warm_up == 1 else f"{run.warm_up} requests"
    yield f"Not counted: {every} of every client to warm up before each level."
    yield "Every prompt is new and every request has a connection of its own, which is part of its time."
    if any(level.load.rate is not None for level in run.levels):
        yield "Under a rate, a request's time begins when it was due, not when it could be sent."
    if any(level.load.rate is None and level.errors for level in run.levels):
        yield f"A client whose request failed waited {PAUSE:g} s before its next."
    if any(level.answered < FEW for level in run.levels):
        yield f"Percentiles are measured values (nearest rank): p99 of fewer than {FEW} is the slowest."


def _of_level(level: Level) -> Iterator[str]:
    if not level.answered and not level.failed:
        yield "no request was due in that time."
    if level.answered and level.output_tokens is None:
        yield "the server did not count its tokens (usage), so tokens/s and inter-token are unknown."
    if level.late > BUSY:
        yield f"this machine was too busy to measure finely: it ran {duration(level.late)} late itself."
