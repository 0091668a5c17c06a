"""How long a model's pods are waited for, and how they end: from its size and how fast it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deploy.gpu.need import amount
from deploy.model.serving import Model

# the image is there; what is left is Python's start, compilation, graphs (checks SRV-05)
START = 300
PERIOD = 5
# until every node's rules for Services leave the pod out (llm-d recipes, graceful-shutdown: 15)
LEAVE = 15
# after the last answer: engine processes end, GPUs are given back
TEARDOWN = 15
# a fetch over a slow line: bytes a second, and what a Job needs beside
SLOWEST = 5_000_000
FETCH_START = 900


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: to load, to leave the Service, to end what has begun, and all of the end together."""

    startup: int
    leave: int
    drain: int
    grace: int

    @property
    def failures(self) -> int:
        """How often the startup probe may fail."""
        return math.ceil(self.startup / PERIOD)


def of(model: Model) -> Timing:
    """Return a model's times."""
    loading = math.ceil(int(amount(model.weights)) / int(amount(model.loads_per_second)))
    drain = model.drain_seconds
    return Timing(loading + START, LEAVE, drain, LEAVE + drain + TEARDOWN)


def fetching(model: Model) -> int:
    """Return how many seconds fetching a model may take."""
    return FETCH_START + math.ceil(int(amount(model.weights)) / SLOWEST)
