"""Load: clients that wait for their answers (closed loop), or arrivals that wait for nobody (open loop)."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

import gevent
from gevent.lock import BoundedSemaphore
from gevent.pool import Group

from deploy.load.level import Load
from deploy.load.request import Clock
from deploy.load.sample import Sample

IN_FLIGHT = 512  # open connections under a rate; half of the usual limit of open files
NOT_SENT = "not sent"
PAUSE = 0.5  # a client that was refused does not ask again at once
BEAT = 0.02  # seconds between two looks at this machine's own clockwork
Ask = Callable[[float], Sample]  # takes when the request was due


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a level ends: no request starts after so many seconds or requests; each has `timeout` seconds."""

    seconds: float
    requests: int
    timeout: float


class LevelRun:
    """Makes one level of load. `samples` fill while it runs: a level that is interrupted has what it had."""

    def __init__(self, ask: Ask, limits: Limits, clock: Clock = time.monotonic) -> None:
        self.samples: list[Sample] = []
        self.lags: list[float] = []
        self.start = clock()
        self._ask = ask
        self._limits = limits
        self._clock = clock
        self._left = limits.requests
        self._due = self.start

    def run(self, load: Load, choose: Random) -> None:
        """Run the level to its end."""
        self.start = self._clock()
        with self._greenlets() as group:
            if load.rate is None:
                for _ in range(load.clients or 1):
                    group.spawn(self._client)
            else:
                self._arrive(group, load.rate, choose)
            group.join()

    @contextmanager
    def _greenlets(self) -> Generator[Group, None, None]:
        """Yield a group that is gone afterwards, whatever happened."""
        group, beat = Group(), gevent.spawn(self._beat)
        self._due = self._clock() + BEAT
        try:
            yield group
        finally:
            beat.kill()
            self.lags.append(max(self._clock() - self._due, 0.0))  # one that never came is the latest of all
            group.kill()

    def _client(self) -> None:
        """Ask, wait for the answer, and ask again."""
        while self._left > 0 and self._clock() - self.start < self._limits.seconds:
            self._left -= 1
            sample = self._ask(self._clock())
            self.samples.append(sample)
            if not sample.good:
                gevent.sleep(PAUSE)

    def _arrive(self, group: Group, rate: float, choose: Random) -> None:
        """Start requests when they are due, whatever became of those before."""
        slots = BoundedSemaphore(IN_FLIGHT)
        for offset in arrivals(rate, self._limits, choose):
            gevent.sleep(max(self.start + offset - self._clock(), 0))
            group.spawn(self._one, self.start + offset, slots)

    def _one(self, due: float, slots: BoundedSemaphore) -> None:
        """Ask once; the time begins when the request was due, whatever kept it from being sent.

        What a slow server does to those who wait is measured, not left out (coordinated omission).
        """
        patience = self._limits.timeout
        if not slots.acquire(timeout=max(due + patience - self._clock(), 0.001)):
            said = f"{IN_FLIGHT} requests were under way for {patience:g} s"
            self.samples.append(Sample(due, due, end=self._clock(), fault=NOT_SENT, said=said))
            return
        try:
            self.samples.append(self._ask(due))
        finally:
            slots.release()

    def _beat(self) -> None:
        while True:
            self._due = self._clock() + BEAT
            gevent.sleep(BEAT)
            self.lags.append(self._clock() - self._due)


def arrivals(rate: float, limits: Limits, choose: Random) -> Iterator[float]:
    """Yield when requests are due, in seconds from the start: a Poisson process of `rate` a second."""
    due = choose.expovariate(rate)
    for _ in range(limits.requests):
        if due >= limits.seconds:
            return
        yield due
        due += choose.expovariate(rate)
