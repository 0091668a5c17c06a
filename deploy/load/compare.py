"""A run beside one of before: ratios, and what became worse by more than is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deploy.errors import InventoryError
from deploy.load.level import Level, Load
from deploy.load.run import Run
from deploy.load.workload import Workload

ENOUGH = 20  # requests of which the 95th percentile is not the slowest one


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a level that two runs are compared by; `more` says that more is better."""

    title: str
    of: Callable[[Level], float | None]
    more: bool = False
    tail: bool = False


def _latency(name: str, title: str) -> tuple[Measure, Measure]:
    def value(percentile: str) -> Callable[[Level], float | None]:
        return lambda level: getattr(getattr(level, name), percentile, None)

    return Measure(f"{title} p50", value("p50")), Measure(f"{title} p95", value("p95"), tail=True)


MEASURES = (
    Measure("output tokens/s", lambda level: level.output_tokens_per_second, more=True),
    Measure("requests/s", lambda level: level.requests_per_second, more=True),
    *_latency("first_token", "first token"),
    *_latency("inter_token", "inter-token"),
    *_latency("end_to_end", "end to end"),
)
ERRORS = "errors"


@dataclass(frozen=True, slots=True)
class Change:
    """A measure then and now; None is unknown."""

    load: Load
    measure: str
    before: float | None
    after: float | None
    more: bool
    judged: bool = True

    @property
    def ratio(self) -> float | None:
        """Now over then."""
        if self.before is None or self.after is None or self.before == 0:
            return None
        return self.after / self.before

    def worse(self, by: float) -> bool:
        """Say whether it is worse by more than a share (0.1 is ten percent).

        What was known and is not any more is worse; errors that were none are.
        """
        if not self.judged or self.before is None:
            return False
        if self.after is None:
            return True
        return self.after < self.before * (1 - by) if self.more else self.after > self.before * (1 + by)


def comparable(before: Run, workload: Workload, loads: Sequence[Load]) -> None:
    """Raise InventoryError unless a run to come asks the same, with one level in common at least."""
    then, now = before.workload.model_dump(), workload.model_dump()
    wrong = [f"{key} was {then[key]} and is {now[key]}" for key in then if then[key] != now[key]]
    if not any(level.load in loads for level in before.levels):
        kept = [level.load for level in before.levels]
        wrong.append(f"its levels were {_titles(kept)}, these are {_titles(loads)}")
    if wrong:
        raise InventoryError(f"the saved run can't be compared with: {'; '.join(wrong)}")


def _titles(loads: Sequence[Load]) -> str:
    return ", ".join(load.title for load in loads) or "none"


def changes(before: Run, after: Run) -> list[Change]:
    """Return the changes of every level that both have, in the order of the later."""
    then = {level.load: level for level in before.levels}
    return [change for now in after.levels if now.load in then for change in _changes(then[now.load], now)]


def _changes(then: Level, now: Level) -> Iterator[Change]:
    enough = min(then.answered, now.answered) >= ENOUGH
    yield Change(now.load, ERRORS, _share(then), _share(now), more=False)
    for measure in MEASURES:
        yield Change(
            now.load,
            measure.title,
            measure.of(then),
            measure.of(now),
            measure.more,
            judged=enough or not measure.tail,
        )


def _share(level: Level) -> float:
    """Return how many of a level's requests failed, of one."""
    return level.errors / max(level.errors + level.answered, 1)
