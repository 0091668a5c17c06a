"""A run as one HTML page with pictures that needs nothing else: light and dark, readable on a telephone."""

from __future__ import annotations

from deploy.load import chart, text
from deploy.load.notes import faults, headline, notes
from deploy.load.run import Run
from deploy.render import page


def render(run: Run, before: Run | None = None) -> str:
    """Return the page; with a saved run, its values stand beside."""
    return page(
        "bench/bench.html.j2",
        run=run,
        before=before,
        headline=headline(run),
        charts=chart.charts(run, before),
        size=chart,
        throughput=(text.THROUGHPUT, [text.throughput(level) for level in run.levels]),
        latency=(text.LATENCY, [line for level in run.levels for line in text.latencies(level)]),
        compared=(text.COMPARED, [text.compared(each) for each in run.compared]),
        faults=faults(run),
        notes=notes(run),
        rates=any(level.load.rate is not None for level in run.levels),
        clients=any(level.load.clients is not None for level in run.levels),
    )
