"""A run beside one of before: ratios, and what became worse by more than is allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from deploy.errors import InventoryError
from deploy.load.change import Change, Verdict
from deploy.load.level import Level, Load
from deploy.load.run import Run
from deploy.load.workload import Workload

ENOUGH = 20  # requests of which the 95th percentile is not the slowest one
ERRORS = "errors"
Value = Callable[[Level], float | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a level; `tail` says that a few requests don't tell it."""

    title: str
    of: Value
    more: bool = False
    tail: bool = False


def _percentile(latency: str, name: str) -> Value:
    return lambda level: getattr(getattr(level, latency), name, None)


MEASURES = (
    Measure(ERRORS, lambda level: level.errors / max(level.errors + level.answered, 1)),
    Measure("output tokens/s", lambda level: level.output_tokens_per_second, more=True),
    Measure("requests/s", lambda level: level.requests_per_second, more=True),
    Measure("first token p50", _percentile("first_token", "p50")),
    Measure("first token p95", _percentile("first_token", "p95"), tail=True),
    Measure("inter-token p50", _percentile("inter_token", "p50")),
    Measure("inter-token p95", _percentile("inter_token", "p95"), tail=True),
    Measure("end to end p50", _percentile("end_to_end", "p50")),
    Measure("end to end p95", _percentile("end_to_end", "p95"), tail=True),
)


def comparable(before: Run, workload: Workload, loads: Sequence[Load]) -> None:
    """Raise InventoryError unless a run to come asks the same, with one level in common at least."""
    then, now = before.workload.model_dump(mode="json"), workload.model_dump(mode="json")
    wrong = [f"{key} was {then[key]} and is {now[key]}" for key in then if then[key] != now[key]]
    if not any(level.load in loads for level in before.levels):
        kept = [level.load for level in before.levels]
        wrong.append(f"its levels were {_titles(kept)}, these are {_titles(loads)}")
    if wrong:
        raise InventoryError(f"the saved run can't be compared with: {'; '.join(wrong)}")


def _titles(loads: Sequence[Load]) -> str:
    return ", ".join(load.title for load in loads) or "none"


def changes(before: Run, after: Run, by: float | None = None) -> tuple[Change, ...]:
    """Return the changes of every level that both have, in the order of the later.

    What is worse by more than the share `by` (0.1 is ten percent) is marked; without it nothing is.
    """
    then = {level.load: level for level in before.levels}
    both = [(then[level.load], level) for level in after.levels if level.load in then]
    return tuple(change for was, now in both for change in _changes(was, now, by))


def _changes(was: Level, now: Level, by: float | None) -> Iterator[Change]:
    enough = min(was.answered, now.answered) >= ENOUGH
    for measure in MEASURES:
        before, after = measure.of(was), measure.of(now)
        verdict = Verdict.NONE
        if by is not None:
            known = enough or not measure.tail
            verdict = _verdict(before, after, by, measure.more) if known else Verdict.TOO_FEW
        yield Change(
            load=now.load,
            measure=measure.title,
            before=before,
            after=after,
            more=measure.more,
            ratio=None if before is None or after is None or before == 0 else round(after / before, 4),
            verdict=verdict,
        )


def _verdict(before: float | None, after: float | None, by: float, more: bool) -> Verdict:
    """Judge one number: what was known and is not any more is worse, and so is any error where none was."""
    if before is None:
        return Verdict.NONE
    if after is None:
        return Verdict.WORSE
    worse = after < before * (1 - by) if more else after > before * (1 + by)
    return Verdict.WORSE if worse else Verdict.NONE


def worse(run: Run) -> bool:
    """Say whether anything is worse than in the saved run by more than was allowed."""
    return any(change.verdict is Verdict.WORSE for change in run.compared)
