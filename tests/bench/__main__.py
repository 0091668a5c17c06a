"""`make bench`: what slipway costs here, beside other tools, and with growth; by parts if some are named."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import cluster, many
from tests.bench.timed import Row

WITH_HOSTS = ("one", "cluster", "ansible")
PARTS = (*WITH_HOSTS, "k3s", "models", "gpus", "many")


def chosen(words: Sequence[str]) -> frozenset[str]:
    """Return the parts that are named, all when none is."""
    if unknown := [word for word in words if word not in PARTS]:
        raise SystemExit(f"no such part: {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    return frozenset(words or PARTS)


def machine() -> str:
    """Say what this ran on."""
    memory = int(Path("/proc/meminfo").read_text().split()[1]) // 1024 // 1024
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, {memory} GiB, Linux {platform.release()}, load before {load:.1f}"


def measured(parts: frozenset[str]) -> list[Row]:
    """Run the parts."""
    rows = cluster.measured(parts) if parts & set(WITH_HOSTS) else []
    for part, measure in {"k3s": cluster.k3s, "models": cluster.models, "gpus": cluster.gpus}.items():
        rows += measure() if part in parts else []
    return [*rows, *(many.measured(4, 50) if "many" in parts else [])]


def main(words: Sequence[str]) -> None:
    """Measure, then print one table."""
    parts, before = chosen(words), machine()
    table = Table("what", "seconds (least / median / most)", "", title=before)
    for row in measured(parts):
        table.add_row(*row)
    Console(width=140).print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
