"""A run: the levels one after another, and the document that is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Literal

from gevent import monkey
from pydantic import BaseModel, ConfigDict

from deploy.load.change import Change
from deploy.load.generate import LevelRun, Limits
from deploy.load.level import Level, Load, summed
from deploy.load.percentiles import nearest
from deploy.load.request import ask
from deploy.load.sample import Sample
from deploy.load.target import Target
from deploy.load.workload import Workload

SEED = 1  # of the arrivals: two runs of one rate have the same
Tell = Callable[[str], None]


class Run(BaseModel):
    """What a run measured. `about` says what the model is if it isn't what it seems: dummy weights, CPU."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    started: datetime
    cluster: str
    model: str
    url: str
    about: str
    workload: Workload
    warm_up: int
    levels: tuple[Level, ...]
    interrupted: bool = False
    compared: tuple[Change, ...] = ()

    @property
    def answered(self) -> bool:
        """Say whether every level had an answer."""
        return bool(self.levels) and all(level.answered for level in self.levels)

    def as_json(self) -> str:
        """Return the document."""
        return self.model_dump_json(indent=2) + "\n"


class Bench:
    """Asks one target with one workload; every prompt of it is a new one."""

    def __init__(self, target: Target, workload: Workload, limits: Limits, mark: str) -> None:
        if not monkey.is_module_patched("socket"):
            raise RuntimeError("import deploy.cli before anything else: the clients need gevent's patches")
        self._target = target
        self._workload = workload
        self._limits = limits
        self._mark = mark
        self._numbers = count(1)

    def one(self, due: float) -> Sample:
        """Ask once."""
        body = self._workload.body(self._target.model, self._mark, next(self._numbers))
        return ask(self._target, self._workload.api.path, body, due, self._limits.timeout)

    def warmed(self, load: Load, warm_up: int) -> None:
        """Ask a few times without counting: `warm_up` times by every client, or one after another."""
        limits = Limits(self._limits.timeout, warm_up * (load.clients or 1), self._limits.timeout)
        if warm_up:
            LevelRun(self.one, limits).run(Load(clients=load.clients or 1), Random())  # noqa: S311

    def levels(self, loads: Sequence[Load], warm_up: int, tell: Tell) -> tuple[tuple[Level, ...], bool]:
        """Run the levels; return what they met, and whether somebody interrupted them."""
        done: list[Level] = []
        for load in loads:
            level = LevelRun(self.one, self._limits)
            try:
                tell(f"{load.title}: warming up, then {self._limits.seconds:g} s")
                self.warmed(load, warm_up)
                level.run(load, Random(SEED))  # noqa: S311 - arrivals, no secret
            except KeyboardInterrupt:
                return (*done, *([_summed(load, level)] if level.samples else [])), True
            done.append(_summed(load, level))
        return tuple(done), False


def _summed(load: Load, level: LevelRun) -> Level:
    late = nearest(sorted(level.lags), 99) if level.lags else 0.0
    return summed(load, level.samples, level.start, late)


def now() -> datetime:
    """Return the moment that a run begins."""
    return datetime.now(UTC).replace(microsecond=0)
