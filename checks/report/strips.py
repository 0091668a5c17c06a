"""How each check and each pending operation stood in the last runs, as every format shows it: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checks.report.report import Key, Report, Verdict, key, row_key, verdict
from deploy.model.row import State

RUNS = 30  # as many as fit beside a title on a telephone, a month of nights
ABSENT = "absent"
"""How something stood in a run that did not have it, which is told apart from a pass."""

STOOD = {
    State.NONE: Verdict.PASS,
    State.CHANGE: Verdict.WARNING,
    State.UNKNOWN: Verdict.WARNING,
    State.ERROR: Verdict.ERROR,
}
"""What an operation of a plan counts as."""


@dataclass(frozen=True, slots=True)
class Run:
    """One of the runs; `stood` has every check and operation of it."""

    report: Report
    stood: Mapping[Key, Verdict]

    def of(self, *keys: Key) -> str:
        """Return the worst verdict of these."""
        there = [self.stood[each] for each in keys if each in self.stood]
        return min(there, key=[*Verdict].index, default=ABSENT)


def last_runs(report: Report, history: Sequence[Report]) -> tuple[Run, ...]:
    """Return the runs of the same verb up to this one, oldest first; none where there is no other.

    `history` is in that order, and has this report or not.
    """
    before = [each for each in history if each.verb == report.verb and each.run < report.run]
    return tuple(map(_run, (*before[-(RUNS - 1) :], report))) if before else ()


def known(runs: Sequence[Run]) -> Iterator[Key]:
    """Yield all that stood in any of the runs, what stood in the newest first."""
    yield from dict.fromkeys(each for run in reversed(runs) for each in run.stood)


def _run(report: Report) -> Run:
    rows = {row_key(row): STOOD[row.state] for row in report.rows}
    return Run(report, rows | {key(each): verdict(each) for each in report.findings})
