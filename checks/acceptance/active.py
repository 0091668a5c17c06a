"""An active verify: pods on every node that ask each other, in a namespace that is always removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import gevent

from checks.acceptance import object_store, outside, policy, probe, reach, registry, serving, volume
from checks.acceptance.gates import NOTICED, Gate, Tell, wait
from checks.acceptance.hands import STALE, Hands, Kubectl
from checks.acceptance.pods import Front, Pod, front, missing, pods
from checks.acceptance.probe import Question, Said
from checks.cluster.snapshot import OWNED
from checks.finding import Finding, Status
from checks.say import unread
from deploy.catalog import LockedImage
from deploy.errors import SlipwayError, UnreachableError
from deploy.model import Cluster

PODS = Gate("the probe's pods", 180.0)  # k3s pulls their image now, over a home's line
# kube-proxy writes the rules of a new Service node by node, and the cluster's DNS learns its name
ANSWERS = Gate("answers from every node", NOTICED, every=1.0)
LACKING = (Status.FAIL, Status.UNAVAILABLE)
CHECKS = ("HOST-18", "K8S-15", "K8S-06", "K8S-16", "RT-12")
OF_THE_CLUSTER = (volume.CHECK, policy.CHECK)


@dataclass(frozen=True, slots=True)
class Probe:
    """One active verify of a cluster; `nodes` are those that are Ready and can be reached."""

    cluster: Cluster
    run: str
    image: LockedImage
    nodes: tuple[str, ...]
    kubectl: Kubectl
    hands: Hands
    tell: Tell

    @property
    def where(self) -> str:
        """The namespace."""
        return probe.namespace(self.run)

    def findings(self) -> list[Finding]:
        """Put the pods there, ask, judge, and take everything away again."""
        with self._there() as refused:
            if refused is not None:
                return self._unjudged(refused)
            keeps = partial(volume.finding, self.kubectl, self.where, self.image.pinned, self.tell)
            stored = gevent.spawn(_or_unread, volume.CHECK, keeps)
            try:
                wait(PODS, lambda: missing(self._pods(), self.nodes), self.tell)
                return [*self._judged(), stored.get()]
            finally:
                stored.kill()

    def _judged(self) -> list[Finding]:
        found, service = self._pods(), self._front()
        up = {name: pod for name, pod in found.items() if name in self.nodes and pod.why is None}
        mirror = self.cluster.artifacts.registry_mirror
        by = f"through {mirror}" if mirror else "from upstream"
        from_outside = gevent.spawn(
            outside.findings, self.cluster, self.nodes, up, service, self._front, self.tell
        )
        shield = policy.Shield(
            self.cluster, self.kubectl, self.where, self.image.pinned, up, self._questioned, self.tell
        )
        denied = gevent.spawn(_or_unread, policy.CHECK, shield.finding)
        inside = self._inside(up, service)
        inside += reach.images(found, self.nodes, self.image.digest, by)
        for name in self.nodes:
            if name not in up:
                why = str(found[name].why) if name in found else "none was scheduled there"
                inside += reach.without_pod(name, why)
        return [*inside, *from_outside.get(), denied.get()]

    def _inside(self, up: Mapping[str, Pod], service: Front | None) -> list[Finding]:
        """Ask from every node until all is answered, or until the time for that is over."""
        found: list[Finding] = []

        def look() -> str | None:
            said = self._said(up, service)
            found[:] = [
                *reach.paths(up, said, alone=len(self.cluster.nodes) == 1),
                *reach.lookups(up, said),
                *reach.services(up, said),
            ]
            lacking = next((each for each in found if each.status in LACKING), None)
            return f"{lacking.check} on {lacking.host}: {lacking.found}" if lacking else None

        wait(ANSWERS, look, self.tell)
        return found

    def _unjudged(self, why: str) -> list[Finding]:
        mine = (unread(check, node, why) for node in self.nodes for check in CHECKS)
        return [*mine, *unproven(self.cluster, why)]

    def _said(self, up: Mapping[str, Pod], service: Front | None) -> dict[str, dict[str, Said]]:
        """Return what every node's pod was answered, all nodes asked at once."""
        asked = {name: gevent.spawn(self._ask, up, name, service) for name in up}
        gevent.joinall(list(asked.values()), raise_error=True)
        return {name: greenlet.get() for name, greenlet in asked.items()}

    def _ask(self, up: Mapping[str, Pod], name: str, service: Front | None) -> dict[str, Said]:
        if service is None:
            return {}
        return self._questioned(up[name], reach.questions(up, name, service, self.where))

    def _questioned(self, pod: Pod, questions: Iterable[Question]) -> dict[str, Said]:
        """Return what a pod was answered, asked to ask by its own node."""
        try:
            command = probe.script(pod.address, questions)
            return probe.answers(self.hands.run(pod.node, command, timeout=20.0).out)
        except UnreachableError:
            return {}

    @contextmanager
    def _there(self) -> Iterator[str | None]:
        """Yield why the API refused the objects; None when they are there."""
        balanced = self.cluster.load_balancer is not None
        text = probe.manifest(probe.objects(self.run, self.image.pinned, balanced=balanced))
        leftovers = gevent.spawn(self._remove_leftovers)
        try:
            made = self.kubectl.create(text, self.where)
            yield None if made.rc == 0 else made.err.strip() or f"kubectl create ended with {made.rc}"
        except BaseException:
            gevent.sleep(1.0)  # a create that was under way when Ctrl-C came ends first
            raise
        finally:
            leftovers.join(timeout=5.0)
            self.kubectl.remove_namespace(self.where, self.tell)

    def _remove_leftovers(self) -> None:
        """Delete the namespaces of runs that were killed."""
        label = ",".join(f"{key}={value}" for key, value in OWNED.items())
        found = self.kubectl.get(f"/api/v1/namespaces?labelSelector={label}").get("items") or ()
        for name in stale(found, datetime.now(UTC)):
            self.kubectl.remove_namespace(name, self.tell)

    def _pods(self) -> dict[str, Pod]:
        path = f"/api/v1/namespaces/{self.where}/pods?labelSelector=app={probe.NAME}"
        return pods(self.kubectl.get(path).get("items") or ())

    def _front(self) -> Front | None:
        item = self.kubectl.get(f"/api/v1/namespaces/{self.where}/services/{probe.NAME}")
        return front(item) if item else None


def _or_unread(check: str, look: Callable[[], Finding]) -> Finding:
    """Return what a look comes to; a host that is lost meanwhile says nothing, and ends nothing else."""
    try:
        return look()
    except SlipwayError as error:
        return unread(check, None, str(error))


def unproven(cluster: Cluster, why: str) -> list[Finding]:
    """Return that nothing can be said of what is proven once for the whole cluster."""
    balancer = ("LB-04",) if cluster.load_balancer else ()
    store = object_store.CHECKS if cluster.object_store else ()
    kept = registry.ONCE if cluster.registry else ()
    models = serving.CHECKS if cluster.models else ()
    return [unread(check, None, why) for check in (*balancer, *OF_THE_CLUSTER, *store, *kept, *models)]


def stale(items: Iterable[Mapping[str, Any]], now: datetime) -> list[str]:
    """Return the namespaces that no run can still be using."""
    return [
        each["metadata"]["name"]
        for each in items
        if now - datetime.fromisoformat(each["metadata"]["creationTimestamp"]) > STALE
    ]
