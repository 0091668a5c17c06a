"""An active verify of GPUs: pods claim them on every node, one too many, together, and only to look.

All nodes and models go through the same rounds at once. What workloads hold is left to them: with a GPU of
a model in use on a node, only one of the free ones is asked for. Of cut and shared ones all are held as well.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gevent

from checks.acceptance import gpu_pods as pods
from checks.acceptance import gpu_verdicts as verdicts
from checks.acceptance.gates import Gate, Tell, wait
from checks.acceptance.gpu_pods import (
    CREATING,
    EVERY,
    GROUP,
    MORE,
    NONE,
    ONE,
    PAIR,
    WATCH,
    Target,
    Told,
)
from checks.acceptance.hands import Kubectl
from checks.acceptance.probe import manifest
from checks.cluster.gpus import devices_of
from checks.cluster.snapshot import Snapshot, name_of
from checks.finding import Finding, Status
from deploy.catalog import LockedImage
from deploy.catalog.gpu import ResourceApi
from deploy.gpu import Wiring
from deploy.model import Cluster

RUN = Gate("the pods with GPUs", 90.0, every=1.0)
REFUSED = Gate("the scheduler to refuse what there is not", 30.0, every=1.0)
GONE = Gate("GPUs to come back", 60.0, every=1.0)
NO_API = "the API did not take the pods"
# A kubelet that is told of a pod before the API server lets it read the pod's claim does not try again before
# its next look at all pods, 60 to 90 s later: SyncPod gives no error back (kubernetes/kubernetes v1.36.3
# pkg/kubelet/kuberuntime/kuberuntime_manager.go, PrepareDynamicResources). A change of the pod is a look.
STUCK = 5  # looks at a pod that does not start, after which it is changed
LOOKED_AT = "slipway.dev/looked-at"

Said = tuple[Target, Finding]


@dataclass
class GpuProbe:
    """One active verify of a cluster's GPUs; `targets` are those that can be asked for."""

    cluster: Cluster
    run: str
    image: LockedImage
    api: ResourceApi
    targets: tuple[Target, ...]
    kubectl: Kubectl
    tell: Tell
    _told: dict[str, Told] = field(default_factory=dict)
    _pending: list[dict[str, Any]] = field(default_factory=list)
    _starting: Counter[str] = field(default_factory=Counter)

    @property
    def where(self) -> str:
        """The namespace."""
        return f"slipway-verify-{self.run.lower()}-gpus"

    def findings(self) -> list[Finding]:
        """Go through the rounds, and take everything away again."""
        untried = [(each, finding) for each in self.targets for finding in verdicts.untried(each)]
        askable = [each for each in self.targets if each.free > 0]
        if not askable:
            return verdicts.by_node(untried)
        with self._there():
            return verdicts.by_node([*untried, *self._rounds(askable)])

    def _rounds(self, targets: list[Target]) -> list[Said]:
        first = self._given(targets)
        good = {each.key for each, finding in first if finding.status is Status.PASS}
        filled = [each for each in targets if each.is_fillable]
        bad = [each for each in filled if each.key not in good]
        lost = [(each, finding) for each in bad for finding in verdicts.unproven(each)]
        filled = [each for each in filled if each.key in good]
        # what did not come would only be waited for again
        self._end(each.name(role) for each in targets if each not in filled for role in each.roles)
        found = [(each, verdicts.watched(each, self._told)) for each in filled if self._watches(each)]
        claiming = [each for each in filled if each.by_claim and each.is_whole]
        if filled:
            found += self._once(filled)
            found += self._shared(claiming)
        left = self._given_back(any(each.by_claim for each in targets))
        return [*first, *found, *((each, verdicts.returned(each, left)) for each in claiming), *lost]

    def _given(self, targets: list[Target]) -> list[Said]:
        """Every GPU is held, by one pod and by another for the rest; a third has asked for none."""
        for each in targets:
            self._make(each, NONE, None)
            self._ask(each, ONE, 1)
            for role, count in each.others.items() if each.is_fillable else ():
                self._ask(each, role, count)
            if each.is_fillable and self._watches(each):
                name = each.name(WATCH)
                self._make(each, WATCH, pods.watching(self.api, each.gpus.vendor, name, self.where))
        self._send()
        self._await()
        given = verdicts.allotted(self._claims().items(verdicts.CLAIMS) or ())
        return [
            (each, verdicts.given(each, self._told, given, verdicts.beside(each, targets, self._told)))
            for each in targets
        ]

    def _once(self, targets: list[Target]) -> list[Said]:
        """One more waits, until one is freed; then all are freed, and one pod asks for all of them."""
        before: dict[str, Told] = {}
        for each in targets:
            self._ask(each, MORE, 1)
        self._send()
        wait(REFUSED, lambda: self._unrefused(targets), self.tell)
        for each in targets:
            before[each.key] = self._more(each)
        freed = {each.key: self._told.get(each.name(ONE), verdicts.ABSENT) for each in targets}
        self._end(each.name(ONE) for each in targets)
        self._await()
        more = {each.key: self._more(each) for each in targets}
        self._end(each.name(role) for each in targets for role in (MORE, *each.roles))
        if whole := [each for each in targets if each.is_whole]:
            for each in whole:
                self._ask(each, EVERY, each.there)
            self._send()
            self._await()
        every = {each.key: self._told.get(each.name(EVERY), verdicts.ABSENT) for each in targets}
        return [
            (
                each,
                verdicts.once(self.cluster, each, *(told[each.key] for told in (before, freed, more, every))),
            )
            for each in targets
        ]

    def _shared(self, targets: list[Target]) -> list[Said]:
        """Two pods name the same claim, of one GPU and then of all."""
        if not targets:
            return []
        self._end(each.name(EVERY) for each in targets)
        told: dict[str, Told] = {}
        for role in (PAIR, GROUP):
            for each in targets:
                if role is PAIR or each.there > 1:
                    self._together(each, role, 1 if role is PAIR else each.there)
            if not self._pending:  # a GPU alone is all of them
                break
            self._send()
            self._await()
            told |= self._told
            self._end(each.name(f"{role}{number}") for each in targets for number in (1, 2))
        return [(each, verdicts.sharing(each, told)) for each in targets]

    def _given_back(self, claimed: bool) -> Snapshot:
        """End what still runs, for the next verify asks for the same GPUs; return what is left of claims."""
        self._end(self._told)
        left = Snapshot({})

        def look() -> str | None:
            nonlocal left
            left = self._claims()
            if (claims := left.items(verdicts.CLAIMS)) is None:
                return left.cause(verdicts.CLAIMS)
            held = [name_of(each) for each in claims if devices_of(each)]
            return f"{', '.join(held)} still allocated" if held else None

        if claimed:
            wait(GONE, look, self.tell)
        return left

    def _watches(self, target: Target) -> bool:
        return target.by_claim and target.is_whole and self.api.admin_access

    def _ask(self, target: Target, role: str, count: int) -> None:
        name = target.name(role)
        self._make(target, role, pods.wiring(self.cluster, self.api, target, name, self.where, count))

    def _together(self, target: Target, role: str, count: int) -> None:
        wired = pods.shared(self.api, target, target.name(role), self.where, count)
        self._make(target, f"{role}1", wired)
        self._make(target, f"{role}2", Wiring([], wired.pod, wired.resources))

    def _make(self, target: Target, role: str, wired: Wiring | None) -> None:
        made = pods.pod(target.name(role), self.where, target.node, self.image.pinned, wired)
        self._pending += [*(wired.objects if wired else ()), made]

    def _send(self) -> None:
        sent, self._pending = self._pending, []
        ran = self.kubectl("create -f -", stdin=manifest(sent))
        if ran.rc:
            self.tell(f"{NO_API}: {ran.err.strip()}")

    def _await(self) -> None:
        """Wait until every pod runs and has said what it sees."""
        wait(RUN, self._waiting, self.tell)

    def _waiting(self) -> str | None:
        self._look()
        self._remind()
        late = [f"{name}: {each.why}" for name, each in self._told.items() if each.nodes is None]
        return "; ".join(late[:3]) or (None if self._told else "no pod yet")

    def _remind(self) -> None:
        """Have kubelets look again at pods that they have not started for a while."""
        looks = {name: self._starting[name] + 1 for name, each in self._told.items() if each.why == CREATING}
        self._starting = Counter(looks)
        stuck = [name for name, count in looks.items() if count % STUCK == 0]
        if stuck:
            quoted = " ".join(map(shlex.quote, stuck))
            mark = f"{LOOKED_AT}={max(looks.values())}"
            self.kubectl(f"-n {self.where} annotate --overwrite pods {quoted} {mark}")

    def _unrefused(self, targets: Iterable[Target]) -> str | None:
        self._look()
        late = [
            each.key for each in targets if not self._more(each).refused and self._more(each).nodes is None
        ]
        return f"nothing is said yet on {', '.join(late)}" if late else None

    def _more(self, target: Target) -> Told:
        return self._told.get(target.name(MORE), verdicts.ABSENT)

    def _look(self) -> None:
        items = self.kubectl.get(f"/api/v1/namespaces/{self.where}/pods").get("items") or ()
        living = [each for each in items if "deletionTimestamp" not in each["metadata"]]
        words = (
            f"-n {self.where} logs -l {pods.LABEL} --prefix --tail=5 --max-log-requests=100 --ignore-errors"
        )
        self._told = pods.told(living, self.kubectl(words).out)

    def _claims(self) -> Snapshot:
        path = f"/apis/resource.k8s.io/{self.api.version}/namespaces/{self.where}/{verdicts.CLAIMS}"
        return Snapshot({verdicts.CLAIMS: self.kubectl.raw(path)})

    def _end(self, names: Iterable[str]) -> None:
        """Delete pods, and wait until they are gone: only then are their GPUs free."""
        quoted = " ".join(map(shlex.quote, names))
        if not quoted:
            return
        words = f"-n {self.where} delete pods --ignore-not-found --timeout={GONE.bound:.0f}s {quoted}"
        ran = self.kubectl(words, timeout=GONE.bound + 5)
        if ran.rc:
            self.tell(f"pods did not end: {ran.err.strip()}")

    @contextmanager
    def _there(self) -> Iterator[None]:
        try:
            self.kubectl.create(manifest([pods.home(self.where, self.api)]), self.where)
            yield
        except BaseException:
            gevent.sleep(1.0)  # a create that was under way when Ctrl-C came ends first
            raise
        finally:
            self.kubectl.remove_namespace(self.where, self.tell)
