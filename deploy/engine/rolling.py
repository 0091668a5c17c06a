"""Disturbing a running cluster one host at a time: the next one only when the last is well again."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence

import gevent

from deploy.engine import speaker, wellness
from deploy.engine.applying import Apply, Outcome
from deploy.engine.speaker import CORDONED, KubeNode
from deploy.errors import RunError, UnreachableError
from deploy.model.row import Disturbs, Row, State
from deploy.plan import Phase

WELL_WITHIN = 300.0  # seconds for a host to be Ready again with its pods
ASKED_EVERY = 1.0
PHASE = "rolling"
UNCORDON = "Uncordon the node, which an interrupted run left cordoned"
COME_BACK = "Come back after what disturbed it"


def leftovers(members: Iterable[KubeNode]) -> list[Row]:
    """Return the rows for nodes that an earlier run cordoned and never uncordoned."""
    return [
        Row(PHASE, node.name, UNCORDON, State.CHANGE, reason=f"it carries the annotation {CORDONED}")
        for node in members
        if node.cordoned_by_us
    ]


def clean_up(apply: Apply, rows: Iterable[Row]) -> None:
    """Run the rows of `leftovers`."""
    done = list(rows)
    for row in done:
        _uncordon(apply, row.host)
    if done:
        apply.outcome.done += done
        apply.members = speaker.nodes(apply.session, _asked(apply))


def roll(apply: Apply, phases: Sequence[Phase]) -> None:
    """Run what was deferred, host by host. A host that does not come back ends it, by its name."""
    deferred, apply.outcome.deferred = apply.outcome.deferred, []
    names = _order(apply, {row.host for row in deferred} - apply.failed_hosts())
    for position, name in enumerate(names):
        rows = [row for row in deferred if row.host == name]
        try:
            _roll_one(apply, rows, phases)
        except (RunError, UnreachableError) as error:
            row = Row(PHASE, name, COME_BACK, State.ERROR, reason=str(error))
            apply.outcome.failed.append(row)
        if name in apply.failed_hosts():
            left = ", ".join(names[position + 1 :]) or "no other host"
            apply.watcher.said(f"The rolling stops at {name}; not touched: {left}.")
            return


def _order(apply: Apply, names: set[str]) -> list[str]:
    cluster = apply.session.cluster
    return [node.name for node in (*cluster.control_planes, *cluster.workers) if node.name in names]


def _roll_one(apply: Apply, rows: Sequence[Row], phases: Sequence[Phase]) -> None:
    name, started, title = rows[0].host, time.monotonic(), f"Roll {rows[0].host}"
    apply.watcher.phase_begins(title, [name])
    before, done = wellness.read(apply.session, _asked(apply), name), len(apply.outcome.done)
    cordon = max(row.disturbs for row in rows) >= Disturbs.PODS and not apply.members[name].unschedulable
    if cordon:
        _cordon(apply, name)
    wanted = {row.phase for row in rows}
    for phase in phases:
        if phase.name in wanted and name not in apply.failed_hosts():
            apply.rows_on(phase, name)
    if name not in apply.failed_hosts():
        _wait(apply, name, before.ready_pods)
        if cordon:
            _uncordon(apply, name)
    outcome = Outcome(done=apply.outcome.done[done:])
    apply.watcher.phase_ended(title, outcome, time.monotonic() - started)


def _wait(apply: Apply, name: str, pods: frozenset[str]) -> None:
    since = int(apply.session.run(name, "date +%s").out)
    deadline = time.monotonic() + WELL_WITHIN
    while True:
        try:
            lacks = wellness.read(apply.session, _asked(apply), name).lacks(since, pods)
        except (RunError, UnreachableError) as error:
            lacks = str(error)
        if lacks is None:
            return
        if time.monotonic() > deadline:
            raise RunError(f"{name} is not well again after {WELL_WITHIN:.0f} s: {lacks}")
        gevent.sleep(ASKED_EVERY)


def _asked(apply: Apply) -> str:
    """Return a control plane whose API answers now: the one that was asked before may be restarting."""
    if (found := speaker.speaker(apply.session)) is None:
        raise RunError("no control plane's API server answers")
    apply.speaker = found
    return found


def _cordon(apply: Apply, name: str) -> None:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    _kubectl(apply, f"annotate --overwrite node {shlex.quote(name)} {CORDONED}={stamp}")
    _kubectl(apply, f"cordon {shlex.quote(name)}")


def _uncordon(apply: Apply, name: str) -> None:
    """Uncordon before the annotation goes: what a killed run leaves is known by it."""
    _kubectl(apply, f"uncordon {shlex.quote(name)}")
    _kubectl(apply, f"annotate node {shlex.quote(name)} {CORDONED}-")


def _kubectl(apply: Apply, arguments: str) -> None:
    by = _asked(apply)
    ran = apply.session.run(by, f"{speaker.KUBECTL} {arguments}", timeout=30)
    if not ran.ok:
        raise RunError(f"{by}: kubectl {arguments} failed: {ran.err.strip()}")
