"""Which phases and which nodes a run is for: pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deploy.errors import InventoryError
from deploy.model import Cluster
from deploy.plan import Phase, phases


@dataclass(frozen=True, slots=True)
class Selection:
    """The phases to run, in order, and the nodes to run them on."""

    phases: tuple[Phase, ...]
    nodes: frozenset[str]


def select(
    cluster: Cluster,
    only: Sequence[str] = (),
    first: str | None = None,
    limit: Sequence[str] = (),
) -> Selection:
    """Return what `--only`, `--from` and `--limit` leave; raise InventoryError for a name that is none."""
    every = phases(cluster)
    names = [phase.name for phase in every]
    wrong = unknown("phase", [*only, *([first] if first else [])], names)
    wrong += unknown("node", limit, [node.name for node in cluster.nodes])
    if wrong:
        raise InventoryError("\n".join(wrong))
    start = names.index(first) if first else 0
    chosen = tuple(phase for phase in every[start:] if not only or phase.name in only)
    return Selection(chosen, frozenset(limit or (node.name for node in cluster.nodes)))


def unknown(what: str, given: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return a line for each name that is none of the known ones, with the nearest of those."""
    lines = []
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            guess = f"; did you mean {near[0]}?" if near else ""
            lines.append(f"there is no {what} {name!r}{guess} ({what}s: {', '.join(known)})")
    return lines
