"""One night: the plan of every phase and every nightly check, over one session; nothing is changed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

import gevent

from checks.acceptance.gates import Gate, wait
from checks.acceptance.hands import Kubectl, speaker
from checks.acceptance.room import room
from checks.acceptance.runner import host_checks, prove_hosts
from checks.catalogue import Phase
from checks.cluster.addresses import answer
from checks.cluster.images import locked
from checks.cluster.judges import judge
from checks.cluster.snapshot import silent, snapshot
from checks.collect.collect import collect
from checks.drift.causes import caused
from checks.drift.cgroups import drivers
from checks.finding import Finding, Status
from checks.preflight import preflight
from checks.preflight.ignoring import ignoring, ignoring_rows
from deploy.catalog import Lock
from deploy.engine import rolling
from deploy.engine.session import Session
from deploy.engine.survey import survey
from deploy.errors import InventoryError, SlipwayError
from deploy.model import Cluster, DriftIgnore, Ignore
from deploy.model.row import Row, State
from deploy.plan import phases

MENDED_BY = {
    "HOST-03": ("Turn swap off",),
    "HOST-04": ("Turn swap off",),
    "HOST-06": ("Load kernel modules",),
    "HOST-07": ("Set kernel parameters",),
    "HOST-08": ("Set kernel parameters",),
    "HOST-09": ("Keep the clock by chrony", "Keep the clock by timesyncd"),
    "HOST-10": ("Name the host", "Let the host know the others"),
    "HOST-23": ("Hold what an upgrade would break", "Keep unattended upgrades away from it"),
    "RT-01": ("Configure containerd", "Run containerd", "Run k3s"),
    "RT-02": ("Configure containerd", "Run containerd", "Configure the kubelet", "Run the kubelet"),
    "RT-05": ("Run k3s",),
    "RT-06": ("Make the folders of CDI", "Configure containerd", "Run containerd"),
    "AMD-04": ("Tune the kernel for AMD's GPUs",),
    "K8S-04": ("Configure the kubelet", "Run the kubelet", "Configure k3s", "Run k3s"),
    "K8S-08": ("Label and taint the nodes",),
    "K8S-13": ("Run the kubelet", "Run k3s"),
    "LB-02": ("Label and taint the nodes",),
    "LB-03": ("Give it the addresses",),
}
"""The operations that mend what a check looks at; a plan that names them speaks of the same fault."""
COLLECTED = frozenset({"HOST-03", "HOST-07", "HOST-08", "HOST-12"})
"""What the collection of a host tells as well, and more: the host is not asked for it twice."""
API = Gate("the API server", 8.0, every=2.0)
TIMEOUT = 20.0  # seconds for one command of a check


@dataclass(frozen=True, slots=True)
class Night:
    """What one night saw; `unjudged` are the phases that nothing could be said of."""

    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    unjudged: tuple[str, ...]


def night(session: Session, cluster: Cluster, lock: Lock, today: date) -> Night:
    """Plan and judge; hosts and runtime are judged when the API server is down, too."""
    session.rehash = True
    checks = gevent.spawn(_checks, session, cluster, lock)
    rows, unjudged = _plan(session, cluster)
    accepted: tuple[Ignore | DriftIgnore, ...] = (*cluster.drift_ignore, *cluster.ignore)
    findings = ignoring(checks.get(), accepted, (), today)
    told = ignoring_rows(rows, cluster, today)
    return Night(tuple(caused(belonging(findings, rows))), tuple(told), unjudged)


def _plan(session: Session, cluster: Cluster) -> tuple[list[Row], tuple[str, ...]]:
    """Return the rows, and the phases without any: those that only a working API server can tell of.

    A control plane that was lost while it spoke for the cluster counts as none.
    """
    wanted = phases(cluster)
    try:
        seen = survey(session, wanted)
    except InventoryError:
        raise
    except SlipwayError as error:
        return [_unplanned(str(error))], (*(phase.name for phase in wanted), rolling.PHASE)
    if seen.speaker in session.hosts:
        return [*seen.rows], ()
    asked = (*(phase.name for phase in wanted if phase.of_cluster), rolling.PHASE)
    return [row for row in seen.rows if row.phase not in asked], asked


def _unplanned(cause: str) -> Row:
    return Row("plan", "cluster", "Plan every phase", State.ERROR, reason=cause)


def _checks(session: Session, cluster: Cluster, lock: Lock) -> list[Finding]:
    """Return what is said of hosts by what was collected and proven, and of the cluster by its API."""
    collected = gevent.spawn(collect, session, ())  # what is fetched from is a preflight's to ask
    proven = gevent.spawn(_proven, session, cluster, lock)
    kubectl, cause = _speaker(session, cluster)
    seen = snapshot(cluster, kubectl.ask) if kubectl else silent(cluster, cause)
    observed = collected.get().observations()
    bare = preflight(cluster, observed, phase=Phase.DRIFT)
    shown = [*judge(cluster, seen), *locked(cluster, lock, seen), *answer(cluster, seen)]
    shown += [*room(cluster, seen, session), *drivers(cluster, seen, observed)]
    return once(bare, proven.get(), shown)


def _speaker(session: Session, cluster: Cluster) -> tuple[Kubectl | None, str]:
    """Return who may ask the API; a moment's silence is no fault that somebody should be woken for."""
    found: list[tuple[Kubectl | None, str]] = []

    def look() -> str | None:
        found[:] = [speaker(cluster, session)]
        return None if found[0][0] else found[0][1]

    wait(API, look)
    return found[0]


def _proven(session: Session, cluster: Cluster, lock: Lock) -> list[Finding]:
    nightly = [
        each for each in host_checks() if Phase.DRIFT in each.entry.phases and each.entry.id not in COLLECTED
    ]
    return prove_hosts(
        cluster,
        lambda host, command: session.run(host, command, timeout=TIMEOUT),
        session.unreachable,
        {"lock": lock},
        nightly,
        session.rootless,
    )


def once(*several: Sequence[Finding]) -> list[Finding]:
    """Return each check of a host once; the judges come in order, who looks at what runs last.

    A fault is not outvoted. Otherwise the last one that was asked holds: a file that is right says nothing
    of a server that is silent.
    """
    chosen: dict[tuple[str, str | None], Finding] = {}
    for each in (finding for findings in several for finding in findings):
        known = chosen.setdefault((each.check, each.host), each)
        if known.status is not Status.FAIL and _WEIGHT[each.status] >= _WEIGHT[known.status]:
            chosen[each.check, each.host] = each
    told = {check_id for check_id, host in chosen if host is not None}
    return [
        each
        for each in chosen.values()
        if not (each.status is Status.SKIPPED and each.host is None and each.check in told)
    ]


_WEIGHT = {Status.SKIPPED: 0, Status.PASS: 1, Status.UNAVAILABLE: 1, Status.FAIL: 2}


def belonging(findings: Sequence[Finding], rows: Collection[Row]) -> list[Finding]:
    """Return the findings, each with the pending operations that would mend it: one fault, said once."""
    return [_with_rows(each, rows) for each in findings]


def _with_rows(finding: Finding, rows: Collection[Row]) -> Finding:
    if finding.status is not Status.FAIL:
        return finding
    mends = [
        f"{row.phase} | {row.operation}"
        for row in rows
        if row.pending
        and row.operation in MENDED_BY.get(finding.check, ())
        and (row.of_cluster or row.host == finding.host)
    ]
    return replace(finding, remedy=f"slipway apply does it: {', '.join(mends)}") if mends else finding
