"""The geometry of a run's pictures: numbers to places, nothing drawn here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log10

from deploy.load.level import Level, Load
from deploy.load.percentiles import Percentiles
from deploy.load.run import Run

WIDTH, HEIGHT = 360, 210  # of a picture's own units: about a telephone's width
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 20, 28
ASIDE = 7  # between a level's mark and the saved run's
STEPS = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)
LINES = 4
ROOM = 5  # levels, beside whose marks there is room for a value
LATENCIES = {
    "first_token": "Time to first token",
    "inter_token": "Time between tokens",
    "end_to_end": "Whole answer",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A level in a picture: where it stands, the heights of its values (bars have one), and them in words."""

    x: float
    label: str
    heights: tuple[float, ...]
    value: str
    words: str
    before: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture: ranges of percentiles (p50, p90, p95, p99), or bars; `named` ones show their values."""

    title: str
    unit: str
    ticks: tuple[tuple[float, str], ...]
    names: tuple[tuple[float, str], ...]
    marks: tuple[Mark, ...]
    ranges: bool
    named: bool


def charts(run: Run, before: Run | None = None) -> tuple[Chart, ...]:
    """Return the pictures of a run, with a saved one's values beside; what is unknown has no mark."""
    tokens = any(level.output_tokens_per_second is not None for level in run.levels)
    speed = (
        _chart("Output", "tokens/s", run, before, lambda level: _one(level.output_tokens_per_second), False)
        if tokens
        else _chart("Output", "requests/s", run, before, lambda level: _one(level.requests_per_second), False)
    )
    times = (_chart(title, "ms", run, before, _milliseconds(name), True) for name, title in LATENCIES.items())
    return tuple(each for each in (speed, *times) if each.marks)


Values = Callable[[Level], tuple[float, ...]]


def _one(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)


def _milliseconds(name: str) -> Values:
    def values(level: Level) -> tuple[float, ...]:
        found: Percentiles | None = getattr(level, name)
        if found is None:
            return ()
        return tuple(value * 1000 for value in (found.p50, found.p90, found.p95, found.p99))

    return values


def _chart(title: str, unit: str, run: Run, before: Run | None, of: Values, ranges: bool) -> Chart:
    then = {level.load: of(level) for level in (before.levels if before else ())}
    shown = [(level.load, of(level), then.get(level.load, ())) for level in run.levels]
    step = tick_step(max((value for _, now, was in shown for value in (*now, *was)), default=0))
    scale = Scale(step * LINES, len(shown))
    marks = [
        mark
        for index, (load, now, was) in enumerate(shown)
        for mark in _marks(scale, index, load, unit, now, was)
    ]
    return Chart(
        title,
        unit,
        ticks=tuple((scale.y(step * line), f"{step * line:g}") for line in range(LINES + 1)),
        names=tuple((scale.x(index), short(load)) for index, (load, *_) in enumerate(shown)),
        marks=tuple(marks),
        ranges=ranges,
        named=len(shown) <= ROOM,
    )


def _marks(
    scale: Scale, index: int, load: Load, unit: str, now: tuple[float, ...], was: tuple[float, ...]
) -> list[Mark]:
    middle, aside = scale.x(index), ASIDE if was else 0
    placed = [(middle - aside, was, True), (middle + aside, now, False)]
    return [
        Mark(
            round(x, 1),
            load.title,
            tuple(scale.y(value) for value in values),
            f"{values[0]:.3g}" if values[0] < 100 else f"{values[0]:.0f}",
            _words(load, values, unit, before=before),
            before,
        )
        for x, values, before in placed
        if values
    ]


def _words(load: Load, values: Sequence[float], unit: str, *, before: bool) -> str:
    names = ("p50 ", "p90 ", "p95 ", "p99 ") if len(values) > 1 else ("",)
    said = ", ".join(f"{name}{value:.1f} {unit}" for name, value in zip(names, values, strict=True))
    return f"{load.title}{', saved run' if before else ''}: {said}"


@dataclass(frozen=True, slots=True)
class Scale:
    """From zero at the bottom to `top`, and so many places from left to right."""

    top: float
    places: int

    def x(self, index: int) -> float:
        """Return the middle of a place."""
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / self.places, 1)

    def y(self, value: float) -> float:
        """Return a value's height."""
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.top, 1)


def tick_step(most: float) -> float:
    """Return the smallest round step of which a few reach the most."""
    if most <= 0:
        return 1.0
    wanted = most / LINES
    power: float = 10.0 ** (ceil(log10(wanted)) - 1)
    return next(power * step for step in STEPS if power * step >= wanted * (1 - 1e-9))


def short(load: Load) -> str:
    """Return a level's name below a picture: clients are a number, arrivals are so many a second."""
    return str(load.clients) if load.rate is None else load.title
