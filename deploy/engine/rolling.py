"""Disturbing a running cluster one host at a time: the next one only when the last is well again."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Sequence

import gevent

from deploy.engine import speaker, wellness
from deploy.engine.applying import SILENT, Apply, Outcome
from deploy.engine.speaker import CORDONED, KubeNode
from deploy.errors import RunError, UnreachableError
from deploy.model.row import Disturbs, Row, State
from deploy.plan import Phase

WELL_WITHIN = 300.0  # seconds for a host to be Ready again with its pods
ASKED_EVERY = 1.0
PHASE = "rolling"
UNCORDON = "Uncordon the node, which an interrupted run left cordoned"
ITS_TURN = "Be disturbed in its turn"
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
        uncordon(apply, row.host)
    if done:
        apply.outcome.done += done
        apply.members = speaker.nodes(apply.session, asked(apply))


def roll(apply: Apply, phases: Sequence[Phase]) -> None:
    """Run what was deferred, host by host. A host that does not come back ends it, by its name."""
    deferred, apply.outcome.deferred = apply.outcome.deferred, []
    names = order(apply, {row.host for row in deferred} - apply.failed_hosts())
    if names and not apply.hears():
        apply.outcome.deferred = deferred
        if not apply.failed_hosts():
            apply.outcome.failed.append(Row(PHASE, names[0], ITS_TURN, State.ERROR, reason=SILENT))
        apply.watcher.said(
            f"No API server answers, so that nothing is rolled; not touched: {', '.join(names)}."
        )
        return
    for position, name in enumerate(names):
        _roll_one(apply, [row for row in deferred if row.host == name], phases)
        if name in apply.failed_hosts():
            left = ", ".join(names[position + 1 :]) or "no other host"
            apply.watcher.said(f"The rolling stops at {name}; not touched: {left}.")
            return


def order(apply: Apply, names: set[str]) -> list[str]:
    """Return the names in the order in which hosts have their turns: control planes first."""
    cluster = apply.session.cluster
    return [node.name for node in (*cluster.control_planes, *cluster.workers) if node.name in names]


def _roll_one(apply: Apply, rows: Sequence[Row], phases: Sequence[Phase]) -> None:
    name, started, title = rows[0].host, time.monotonic(), f"Roll {rows[0].host}"
    apply.watcher.phase_begins(title, [name])
    outcome, cordoned = Outcome(), False
    try:
        before = looked(apply, name)
        if max(row.disturbs for row in rows) >= Disturbs.PODS and not apply.members[name].unschedulable:
            cordon(apply, name)
            cordoned = True
        _disturb(apply, name, _touched(apply, name, rows, phases), outcome)
        if not outcome.failed:
            wait(apply, name, before.ready_pods)
        if cordoned and not outcome.failed:
            uncordon(apply, name)
    except (RunError, UnreachableError) as error:
        row = Row(PHASE, name, COME_BACK, State.ERROR, reason=str(error))
        outcome.failed.append(row)
        apply.outcome.failed.append(row)
    if cordoned and outcome.failed:
        let_go(apply, name)
    apply.watcher.phase_ended(title, outcome, time.monotonic() - started)


def _touched(apply: Apply, name: str, rows: Sequence[Row], phases: Sequence[Phase]) -> list[Phase]:
    """Return the phases of a host from the first that waited for its turn: what that changes, later ones see.

    A binary that is swapped in its turn has its service restarted in the same.
    """
    waited = {row.phase for row in rows}
    own = [
        phase
        for phase in phases
        if phase.name in waited or (not phase.of_cluster and name in phase.hosts(apply.session.cluster))
    ]
    first = next(index for index, phase in enumerate(own) if phase.name in waited)
    return own[first:]


def looked(apply: Apply, name: str) -> wellness.Wellness:
    """Return how a node is; raise when its host was lost meanwhile, as then nothing is to be done on it."""
    if name not in apply.session.hosts:
        raise UnreachableError(apply.session.unreachable[name])
    return wellness.read(apply.session, asked(apply), name)


def _disturb(apply: Apply, name: str, phases: Sequence[Phase], outcome: Outcome) -> None:
    """Run phases on a host until one fails; what became of their rows goes to `outcome`, too."""
    for phase in phases:
        outcome.add(apply.rows_on(phase, name))
        if outcome.failed:
            return


def let_go(apply: Apply, name: str) -> None:
    """Let pods on a node again on which something failed, when it is Ready; say so when it stays cordoned."""
    try:
        if wellness.read(apply.session, asked(apply), name).ready:
            uncordon(apply, name)
            return
        cause = "it is not Ready"
    except (RunError, UnreachableError) as error:
        cause = str(error)
    apply.watcher.said(f"{name} stays cordoned, until the next apply: {cause}.")


def wait(apply: Apply, name: str, pods: frozenset[str]) -> None:
    """Wait until a node is well again with these pods; raise RunError with what it lacks."""
    since = _now(apply, name)
    deadline = time.monotonic() + WELL_WITHIN
    while True:
        try:
            lacks = wellness.read(apply.session, asked(apply), name).lacks(since, pods)
        except (RunError, UnreachableError) as error:
            lacks = str(error)
        if lacks is None:
            return
        if time.monotonic() > deadline:
            raise RunError(f"{name} is not well again after {WELL_WITHIN:.0f} s: {lacks}")
        gevent.sleep(ASKED_EVERY)


def _now(apply: Apply, name: str) -> int:
    """Return the seconds since the epoch on a host's own clock."""
    ran = apply.session.run(name, "date +%s")
    if not ran.out.strip().isdecimal():
        raise RunError(f"{name} did not tell its time: {ran.err.strip() or 'it said nothing'}")
    return int(ran.out)


def asked(apply: Apply) -> str:
    """Return a control plane whose API answers now: the one that was asked before may be restarting."""
    if (found := speaker.speaker(apply.session)) is None:
        raise RunError("no control plane's API server answers")
    apply.speaker = found
    return found


def cordon(apply: Apply, name: str) -> None:
    """Keep new pods away, by an annotation first that says who did it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    kubectl(apply, f"annotate --overwrite node {shlex.quote(name)} {CORDONED}={stamp}")
    kubectl(apply, f"cordon {shlex.quote(name)}")


def uncordon(apply: Apply, name: str) -> None:
    """Uncordon before the annotation goes: what a killed run leaves is known by it."""
    kubectl(apply, f"uncordon {shlex.quote(name)}")
    kubectl(apply, f"annotate node {shlex.quote(name)} {CORDONED}-")


def kubectl(apply: Apply, arguments: str, seconds: float = 30) -> None:
    """Have the cluster told something; raise RunError with what it says when it refuses."""
    by = asked(apply)
    ran = apply.session.run(by, f"{speaker.KUBECTL} {arguments}", timeout=seconds)
    if not ran.ok:
        raise RunError(f"{by}: kubectl {arguments} failed: {ran.err.strip()}")
