"""Requests as they were met, with round numbers."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.load.level import Level, Load, summed
from deploy.load.run import Run
from deploy.load.sample import Sample
from deploy.load.workload import Workload

WORKLOAD = Workload(prompt_words=32, output_tokens=11)


def sample(due: float, first: float = 0.5, gap: float = 0.1, **more: object) -> Sample:
    """Return an answer of 11 tokens whose first came `first` after it was due, the others `gap` apart."""
    last = due + first + 10 * gap
    met: dict[str, object] = {
        "sent": due,
        "first": due + first,
        "last": last,
        "end": last,
        "pause": gap,
        "tokens": 11,
        "prompt_tokens": 40,
        **more,
    }
    return Sample(due, **met)  # type: ignore[arg-type]


def failed(due: float, fault: str, said: str) -> Sample:
    return Sample(due, due, due + 0.1, fault=fault, said=said)


def level(load: Load, *samples: Sample, late: float = 0.001) -> Level:
    return summed(load, samples, 0.0, late)


def run(*levels: Level, **more: object) -> Run:
    known: dict[str, object] = {
        "started": datetime(2026, 11, 30, 8, 0, tzinfo=UTC),
        "cluster": "home",
        "model": "tiny",
        "url": "http://192.0.2.7:80",
        "about": "",
        "workload": WORKLOAD,
        "warm_up": 1,
        "levels": levels,
        **more,
    }
    return Run(**known)  # type: ignore[arg-type]


ONE = level(Load(clients=1), sample(0), sample(1.5), sample(3, first=0.6))
FOUR = level(
    Load(clients=4),
    *[sample(float(each), first=1.0 + each / 10, gap=0.2) for each in range(4)],
    failed(0, "HTTP 503", "overloaded"),
    failed(1, "HTTP 503", "overloaded again"),
    failed(2, "stream broke off", "it ended before the answer did"),
)
RATED = level(Load(rate=2.5), sample(0, tokens=None), sample(0.5), late=0.0301)
