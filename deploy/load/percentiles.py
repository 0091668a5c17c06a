"""Percentiles by nearest rank: every number is one that was measured, none is made up between two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil

from pydantic import BaseModel, ConfigDict


class Percentiles(BaseModel):
    """How a measure was spread; seconds. Of fewer than a hundred, the 99th is the slowest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: int
    p50: float
    p90: float
    p95: float
    p99: float
    max: float


def spread(values: Iterable[float | None]) -> Percentiles | None:
    """Return the percentiles of what is known; None when nothing is."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    p50, p90, p95, p99 = (round(nearest(known, percent), 6) for percent in (50, 90, 95, 99))
    return Percentiles(count=len(known), p50=p50, p90=p90, p95=p95, p99=p99, max=round(known[-1], 6))


def nearest(ascending: Sequence[float], percent: int) -> float:
    """Return the smallest value that at least so many percent do not exceed."""
    return ascending[max(ceil(percent * len(ascending) / 100), 1) - 1]
