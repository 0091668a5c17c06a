"""Phases made of the steps of `sample`, planned and applied."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.engine import planning
from deploy.engine.applying import Apply, Outcome, Watcher
from deploy.engine.session import Session
from deploy.engine.speaker import KubeNode
from deploy.model.row import Row
from deploy.plan import Phase, Where


class Silent(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def phase_begins(self, title: str, hosts: Sequence[str]) -> None:
        self.told.append(f"{title} on {', '.join(hosts)}")

    def row_begins(self, row: Row) -> None:
        self.told.append(f"{row.host}: {row.operation}")

    def phase_ended(self, title: str, outcome: Outcome, seconds: float) -> None:
        self.told.append(f"{title}: {len(outcome.done)} done in {seconds:.0f} s")

    def said(self, text: str) -> None:
        self.told.append(text)


def phase(step: str, where: Where = Where.ALL) -> Phase:
    return Phase(step, f"Title of {step}", f"tests.unit.engine.sample.{step}", where)


def states(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    return [(row.host, row.operation, str(row.state)) for row in rows]


def applied(session: Session, *phases: Phase, members: Sequence[str] = ()) -> Apply:
    known = {name: KubeNode(name, ready=True, unschedulable=False, cordoned_by_us=False) for name in members}
    shown = {row.key: row for row in planning.plan(session, phases, "cp1")}
    work = Apply(session, Silent(), shown, "cp1", known)
    work.run(phases)
    return work
