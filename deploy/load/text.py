"""A run for people at a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.load.change import Change
from deploy.load.compare import ERRORS
from deploy.load.level import Level
from deploy.load.notes import LATENCIES, duration, faults, figure, headline, notes
from deploy.load.percentiles import Percentiles
from deploy.load.run import Run

Line = Sequence[str]
THROUGHPUT = ("load", "answered", "errors", "requests/s", "output tokens/s", "tokens of a prompt")
LATENCY = ("load", "time", "p50", "p90", "p95", "p99", "max")
COMPARED = ("load", "measure", "before", "now", "ratio", "")


def render(run: Run, before: Run | None = None) -> str:
    """Return the whole run, and what became of a saved one's numbers."""
    blocks = [headline(run)]
    if run.levels:
        blocks += [columns(THROUGHPUT, [throughput(each) for each in run.levels], left=1)]
        blocks += [columns(LATENCY, [line for each in run.levels for line in latencies(each)], left=2)]
    else:
        blocks += ["Nothing was measured."]
    if failed := faults(run):
        blocks += ["\n".join(["errors", *(f"  {load}: {said}" for load, said in failed)])]
    if before is not None:
        blocks += [comparison(run, before)]
    return "\n\n".join([*blocks, "\n".join(notes(run))]) + "\n"


def comparison(run: Run, before: Run) -> str:
    """Return the ratios with a saved run."""
    title = f"beside {before.model} at {before.url}, {before.started:%Y-%m-%d %H:%M} UTC"
    return f"{title}\n\n{columns(COMPARED, [compared(each) for each in run.compared], left=2)}"


def throughput(level: Level) -> Line:
    """Return a level's line of the first table."""
    return (
        level.load.title,
        str(level.answered),
        str(level.errors),
        figure(level.requests_per_second, 2),
        figure(level.output_tokens_per_second),
        figure(level.prompt_tokens, 0),
    )


def latencies(level: Level) -> list[Line]:
    """Return a level's lines of the second table; its title stands on the first."""
    titles = [level.load.title, *[""] * (len(LATENCIES) - 1)]
    return [
        (title, words, *percentiles(getattr(level, name)))
        for title, (name, words) in zip(titles, LATENCIES.items(), strict=True)
    ]


def percentiles(found: Percentiles | None) -> Line:
    """Return five times."""
    if found is None:
        return ("unknown",) * 5
    return tuple(duration(each) for each in (found.p50, found.p90, found.p95, found.p99, found.max))


def compared(change: Change) -> Line:
    """Return a line of the comparison."""
    known = change.before is not None and change.after is not None
    ratio = f"x {change.ratio:.2f}" if change.ratio is not None else "" if known else "unknown"
    both = [_compared(change, each) for each in (change.before, change.after)]
    return (change.load.title, change.measure, *both, ratio, str(change.verdict))


def _compared(change: Change, value: float | None) -> str:
    """Return a compared number in its unit."""
    if change.measure == ERRORS:
        return f"{(value or 0) * 100:.1f} %"
    return figure(value, 2) if change.more else duration(value)


def columns(head: Line, lines: Sequence[Line], left: int) -> str:
    """Return a table; the first columns stand left and so do words without a heading, numbers right."""
    rows = [head, *lines]
    widths = [max(len(row[index]) for row in rows) for index in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index < left or not head[index] else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
