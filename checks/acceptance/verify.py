"""The whole of a verify: every host, the cluster as its API shows it, and what its pods reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import gevent

from checks.acceptance import gpu_tools
from checks.acceptance.active import CHECKS, Probe, unproven
from checks.acceptance.backend import Ran
from checks.acceptance.check import HostCheck
from checks.acceptance.gates import Gate, Tell, silently, wait
from checks.acceptance.gpu_targets import targets
from checks.acceptance.gpu_verdicts import GIVEN
from checks.acceptance.gpus import GpuProbe
from checks.acceptance.hands import Hands, Kubectl, speaker
from checks.acceptance.object_store import StoreProbe
from checks.acceptance.registry import RegistryProbe
from checks.acceptance.registry_script import door
from checks.acceptance.registry_verdicts import PULLS
from checks.acceptance.room import room
from checks.acceptance.runner import host_checks, prove_hosts
from checks.acceptance.serving import ServingProbe
from checks.catalogue import Phase
from checks.cluster.images import locked
from checks.cluster.judges import judge
from checks.cluster.snapshot import Snapshot, condition, name_of, silent, snapshot
from checks.finding import Finding, Severity, Status
from checks.say import unread
from deploy.catalog import Lock, LockedImage
from deploy.catalog.gpu import resource_api
from deploy.model import Cluster

Accept = Callable[[list[Finding]], list[Finding]]
ARCHITECTURE = "kubernetes.io/arch"
HOSTS_SETTLE = 30.0  # seconds until a host that has just come back has its rules for Services again


def nothing(findings: list[Finding]) -> list[Finding]:
    """Accept no failure."""
    return findings


@dataclass(frozen=True, slots=True)
class Verify:
    """One verify. `settle` is how long to wait, in seconds, for what an install has just begun.

    `accepted` says on findings which failures somebody accepted: those are not waited for. `rootless` are
    the hosts that answer and give no root.
    """

    cluster: Cluster
    hands: Hands
    lock: Lock
    run: str
    settle: float = 0.0
    tell: Tell = silently
    accepted: Accept = nothing
    rootless: Collection[str] = ()

    def passive(self) -> list[Finding]:
        """Return what can be seen without making anything."""
        _, seen, findings = self._seen(host_checks())
        return [*findings, *room(self.cluster, seen, self.hands)]

    def active(self) -> list[Finding]:
        """Return that, and what pods on every node reach."""
        kubectl, seen, findings = self._seen([each for each in host_checks() if each.entry.id not in CHECKS])
        return [*findings, *room(self.cluster, seen, self.hands), *self._probe(kubectl, seen)]

    def _seen(self, wanted: Sequence[HostCheck]) -> tuple[Kubectl | None, Snapshot, list[Finding]]:
        """Look at the hosts and the cluster at once; at the hosts again for a while if need be."""
        hosts = gevent.spawn(self._hosts, wanted)
        kubectl, seen, findings = self._cluster()
        last = hosts.get()
        if kubectl is None or not self.settle:
            return kubectl, seen, [*last, *findings]

        def look() -> str | None:
            nonlocal last
            if self._waits_for(last) is not None:
                last = self._hosts(wanted)
            return self._waits_for(last)

        wait(Gate("the hosts to settle", min(self.settle, HOSTS_SETTLE), every=2.0), look, self.tell)
        return kubectl, seen, [*last, *findings]

    def _hosts(self, wanted: Sequence[HostCheck]) -> list[Finding]:
        asked = [each for each in wanted if each.entry.phases != (Phase.DRIFT,)]
        values, away = {"lock": self.lock}, self.hands.unreachable
        return prove_hosts(self.cluster, self._run_on, away, values, asked, self.rootless)

    def _run_on(self, host: str, command: str) -> Ran:
        return self.hands.run(host, command, timeout=20.0)

    def _cluster(self) -> tuple[Kubectl | None, Snapshot, list[Finding]]:
        """Return who speaks to the API, what it said, and what that means; wait while it settles."""
        last: list[tuple[Kubectl | None, Snapshot, list[Finding]]] = []

        def look() -> str | None:
            kubectl, cause = speaker(self.cluster, self.hands)
            seen = snapshot(self.cluster, kubectl.ask) if kubectl else silent(self.cluster, cause)
            findings = [*judge(self.cluster, seen), *locked(self.cluster, self.lock, seen)]
            last[:] = [(kubectl, seen, findings)]
            return self._waits_for(findings) if self._asks() else None

        wait(Gate("the cluster to settle", self.settle, every=0.5), look, self.tell)
        return last[0]

    def _waits_for(self, findings: list[Finding]) -> str | None:
        return unsettled(self.accepted(findings), self.hands.unreachable)

    def _asks(self) -> bool:
        """Say whether a control plane can be asked at all; without one, waiting puts nothing right."""
        return any(node.name not in self.hands.unreachable for node in self.cluster.control_planes)

    def _probe(self, kubectl: Kubectl | None, seen: Snapshot) -> list[Finding]:
        ready = _ready(seen)
        names = [node.name for node in self.cluster.nodes]
        nodes = tuple(name for name in names if name in ready and name not in self.hands.unreachable)
        why = "the API server is not ready (K8S-14)"
        if kubectl is not None:
            unread_nodes = seen.items("nodes") is None
            why = seen.cause("nodes") if unread_nodes else "the node is not Ready (K8S-01)"
        left_out = [unread(check, name, why) for name in names if name not in nodes for check in CHECKS]
        if kubectl is None or not nodes:
            return [*left_out, *unproven(self.cluster, why), *self._unasked(why)]
        image = self.lock.image(f"agnhost@{self.cluster.kubernetes.version}")
        probes = (
            Probe(self.cluster, self.run, image, nodes, kubectl, self.hands, self.tell).findings,
            partial(self._gpus, kubectl, seen, nodes, image),
            partial(self._tools, kubectl, seen),
            partial(self._store, kubectl),
            partial(self._registry, kubectl, seen, nodes),
            ServingProbe(self.cluster, kubectl, self.tell).findings,
        )
        return [*left_out, *_at_once(probes)]

    def _unasked(self, why: str) -> list[Finding]:
        """Return what no node's pods were asked for: the registry's image, GPUs, and what those answer."""
        pulls = [unread(PULLS, node.name, why) for node in self.cluster.nodes if self.cluster.registry]
        of_gpus = (GIVEN, gpu_tools.CHECK)
        return [
            *pulls,
            *(unread(check, node.name, why) for node in self.cluster.gpu_nodes() for check in of_gpus),
        ]

    def _registry(self, kubectl: Kubectl, seen: Snapshot, nodes: tuple[str, ...]) -> list[Finding]:
        """Return what the registry does with an artefact, and whether every node's runtime pulls from it."""
        there = door(self.cluster)
        if there is None:
            return []
        labels = {name_of(each): each["metadata"].get("labels") or {} for each in seen.items("nodes") or ()}
        known = {name: labels.get(name, {}).get(ARCHITECTURE, "amd64") for name in nodes}
        probe = RegistryProbe(there, self.run, known, kubectl, self.hands, self.tell)
        left_out = [each.name for each in self.cluster.nodes if each.name not in nodes]
        return [*(unread(PULLS, name, "the node cannot be used") for name in left_out), *probe.findings()]

    def _store(self, kubectl: Kubectl) -> list[Finding]:
        """Return what the object store does with an object."""
        store = self.cluster.object_store
        if store is None:
            return []
        return StoreProbe(store, self.run, self.lock.image("rclone"), kubectl, self.tell).findings()

    def _gpus(
        self, kubectl: Kubectl, seen: Snapshot, ready: tuple[str, ...], image: LockedImage
    ) -> list[Finding]:
        """Return what GPUs do when pods ask for them."""
        kubernetes = self.cluster.kubernetes
        asked, left_out = targets(self.cluster, seen, self.hands, ready)
        api = resource_api(kubernetes.version, kubernetes.feature_gates)
        probe = GpuProbe(self.cluster, self.run, image, api, asked, kubectl, self.tell)
        return [*left_out, *probe.findings()]

    def _tools(self, kubectl: Kubectl, seen: Snapshot) -> list[Finding]:
        """Return what GPUs answer to the models that hold them."""
        return gpu_tools.findings(self.cluster, seen, kubectl, self.hands)


def _at_once(probes: Iterable[Callable[[], list[Finding]]]) -> list[Finding]:
    """Return what the probes find, in their order; when they are broken off, each takes its own away."""
    greenlets = [gevent.spawn(probe) for probe in probes]
    try:
        gevent.joinall(greenlets, raise_error=True)
    finally:
        gevent.killall(greenlets)
    return [finding for greenlet in greenlets for finding in greenlet.get()]


def unsettled(findings: Iterable[Finding], unreachable: Collection[str]) -> str | None:
    """Return the first thing that is not yet as it should be, and that waiting may put right.

    With a node unreachable, what counts pods of the whole cluster stays short of them, too. A warning is
    advice about how things are declared or made; it does not pass by itself.
    """
    for each in findings:
        hopeless = each.ignored is not None or (unreachable and each.host in (None, *unreachable))
        fails = each.status is Status.FAIL and each.severity is Severity.ERROR
        if (fails or each.status is Status.UNAVAILABLE) and not hopeless:
            where = f" of {each.host}" if each.host else ""
            return f"{each.check}{where}: {each.found}" + (f", wanted {each.wanted}" if each.wanted else "")
    return None


def _ready(seen: Snapshot) -> set[str]:
    conditions = {name_of(node): condition(node, "Ready") for node in seen.items("nodes") or ()}
    return {name for name, ready in conditions.items() if ready is not None and ready["status"] == "True"}
