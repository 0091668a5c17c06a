"""What an apply would change: rows for every phase, host and operation; nothing is changed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import gevent

from deploy import context
from deploy.engine import phase as engine
from deploy.engine.connector import LinkConnector
from deploy.engine.link import LostError
from deploy.engine.phase import Operation, Prepared
from deploy.engine.session import Session
from deploy.errors import InventoryError
from deploy.model import paths
from deploy.model.row import Row, State
from deploy.plan import Phase

CONTROL_PLANE = "control-plane"  # the phase after which the API can be asked


def plan(session: Session, phases: Iterable[Phase], speaker: str | None) -> list[Row]:
    """Return the rows of some phases; `speaker` is the control plane whose API answers, if one does.

    All phases are looked at at once, as nothing is changed. The first mistake in their order is raised.
    """
    begun = [gevent.spawn(_plan_phase, session, phase, speaker) for phase in phases]
    try:
        gevent.joinall(begun)
    finally:
        gevent.killall(begun)
    return _once_lost([row for each in begun for row in each.get()], session.unreachable)


def _once_lost(rows: Iterable[Row], unreachable: Container[str]) -> list[Row]:
    """Return the rows; of a host whose connection died, those up to its first error."""
    kept: list[Row] = []
    lost: set[str] = set()
    for row in rows:
        if row.host not in lost:
            kept.append(row)
        if row.state is State.ERROR and row.host in unreachable:
            lost.add(row.host)
    return kept


def _plan_phase(session: Session, phase: Phase, speaker: str | None) -> list[Row]:
    speaks = speaker if speaker in session.hosts else None
    on = hosts(session, phase, speaks)
    prepared = prepare(session, phase, on, speaks)
    if phase.of_cluster and speaks is None:
        unknown = [_unknown(phase, operation) for name in on for operation in prepared.operations[name]]
        return [*unknown, *(failed(phase, name, error) for name, error in prepared.errors.items())]
    mistakes: dict[str, str] = {}
    rows = session.each(on, partial(_look_at_host, session, prepared, mistakes))
    if mistakes:
        raise InventoryError("\n".join(dict.fromkeys(mistakes[name] for name in on if name in mistakes)))
    return [row for name in on for row in rows[name]]


def load(phases: Iterable[Phase]) -> None:
    """Import the steps of some phases, as one does while a host is being asked for something else."""
    for phase in phases:
        engine.step(phase.step)


def hosts(session: Session, phase: Phase, speaker: str | None) -> list[str]:
    """Return the usable chosen hosts of a phase; for SPEAKER the one that speaks, or the first candidate."""
    usable = [name for name in phase.hosts(session.cluster) if name in session.hosts]
    if phase.of_cluster:
        usable = [speaker] if speaker else usable[:1]
    return [name for name in usable if name in session.chosen]


def prepare(session: Session, phase: Phase, on: Sequence[str], speaker: str | None) -> Prepared:
    """Prepare a phase on some hosts; every usable host can be asked by its operations."""
    connector = partial(LinkConnector, links=session.links)
    prepared = engine.prepare(phase, on, data(session, speaker), connector)
    for error in prepared.lost:
        session.lost(error)
    return prepared


def data(session: Session, speaker: str | None) -> Mapping[str, Mapping[str, Any]]:
    """Return what pyinfra's hosts carry."""
    lock = str(paths.lock_file(session.inventory))
    return {
        name: {
            **context.host_data(session.cluster, session.node(name), lock),
            context.SPEAKER: speaker,
            context.REHASH: session.rehash,
            "_sudo": session.links[name].become,
        }
        for name in session.hosts
    }


def _look_at_host(session: Session, prepared: Prepared, mistakes: dict[str, str], name: str) -> list[Row]:
    """Return the rows of one host; what the inventory has wrong about it goes to `mistakes`."""
    rows: list[Row] = []
    try:
        for operation in prepared.operations[name]:
            rows.append(engine.look(prepared, operation))
    except InventoryError as error:
        mistakes[name] = str(error)
    except LostError as error:
        session.lost(error)
        rows.append(failed(prepared.phase, name, str(error)))
    if name in prepared.errors:
        rows.append(failed(prepared.phase, name, prepared.errors[name]))
    return rows


def failed(phase: Phase, host: str, error: str) -> Row:
    """Return the row of a phase that could not even be looked at on a host."""
    return Row(phase.name, host, phase.title, State.ERROR, reason=error, of_cluster=phase.of_cluster)


def _unknown(phase: Phase, operation: Operation) -> Row:
    return Row(
        phase.name,
        operation.host,
        operation.name,
        State.UNKNOWN,
        until=CONTROL_PLANE,
        of_cluster=phase.of_cluster,
    )
