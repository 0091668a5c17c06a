"""The pods that ask for GPUs in a verify, and what they tell of the device nodes that they see: pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checks.cluster.snapshot import OWNED
from deploy.catalog.gpu import ResourceApi
from deploy.gpu import Need, Wiring, claims
from deploy.gpu.parts import profile_of
from deploy.gpu.wiring import CLAIM, resource_of
from deploy.model import Allocation, Cluster, Gpus, Vendor

Object = dict[str, Any]
NAME = "gpu"
LABEL = "slipway.dev/verify-gpus"
NONE, ONE, REST, WATCH, MORE, EVERY = "none", "one", "rest", "watch", "more", "every"
PAIR, GROUP = "pair", "group"
# pods of one model of a node that hold GPUs at once: shares are asked for one by one
MOST = 17
# devices of one claim (kubernetes/kubernetes staging/src/k8s.io/api/resource/v1/types.go,
# AllocationResultsMaxSize)
LARGEST = 32
# one line, whatever there is
SEES = "sees:"
CREATING = "ContainerCreating"
SCRIPT = (
    f"set -- ; for each in /dev/dri/* /dev/kfd /dev/nvidia[0-9]*; do"
    f' [ -c "$each" ] && set -- "$@" "$each"; done; echo {SEES} "$@"; exec /agnhost pause'
)
# the one device node by which a GPU counts; NVIDIA's come with those of the kernel's DRM beside them
# (NVIDIA/nvidia-container-toolkit internal/platform-support/dgpu/nvml.go)
RENDER, NUMBERED = re.compile(r"^/dev/dri/renderD\d+$"), re.compile(r"^/dev/nvidia\d+$")
OWN_NODE = {Vendor.INTEL: RENDER, Vendor.AMD: RENDER, Vendor.NVIDIA: NUMBERED}


@dataclass(frozen=True, slots=True)
class Target:
    """GPUs of one model of a node to ask for, or parts or shares of them.

    So many are `there`, and `free` are those that nobody holds; `nodes` tell a device's own node. `is_alone`
    says that the node has no other model.
    """

    node: str
    gpus: Gpus
    there: int
    free: int
    nodes: Mapping[str, str]
    is_alone: bool = True

    @property
    def by_claim(self) -> bool:
        """Say whether GPUs are claimed here, and not asked for by number."""
        return self.gpus.allocation is Allocation.DRA

    @property
    def is_whole(self) -> bool:
        """Say whether GPUs are given away whole, each to one pod."""
        return self.gpus.sharing is None and profile_of(self.gpus) is None

    @property
    def is_fillable(self) -> bool:
        """Say whether all of them can be asked for at once, by not too many pods."""
        return self.free == self.there and len(self.others) < MOST

    @property
    def others(self) -> dict[str, int]:
        """How many the pods ask for that take what is left of them beside one, by role.

        Two shares may be of one and the same GPU, so that nobody gets two.
        """
        left = self.there - 1
        each = 1 if self.gpus.sharing else LARGEST if self.by_claim else max(left, 1)
        counts = [min(each, left - taken) for taken in range(0, left, each)]
        return {f"{REST}{number or ''}": count for number, count in enumerate(counts)}

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the pods of the first round."""
        return (NONE, ONE, *self.others, WATCH)

    @property
    def key(self) -> str:
        """What tells it from others: the node, and where that has several models, which."""
        model = re.sub(r"[^a-z0-9]+", "-", f"-{self.gpus.vendor}-{self.gpus.model}".lower())
        return self.node if self.is_alone else f"{self.node}{model.rstrip('-')}"

    def name(self, role: str) -> str:
        """Return the name of a pod, and of the claim that goes with it."""
        return f"{role}-{self.key}"

    def seen_by(self, told: Told) -> frozenset[str]:
        """Return the GPUs among the device nodes that a pod sees."""
        return frozenset(each for each in told.nodes or () if OWN_NODE[self.gpus.vendor].match(each))


@dataclass(frozen=True, slots=True)
class Told:
    """A pod as far as it came: `nodes` is None until it has said what it sees; `why` it does not run."""

    nodes: frozenset[str] | None = None
    why: str = "it is not there"
    refused: str = ""


def home(where: str, api: ResourceApi) -> Object:
    """Return the namespace; its label lets monitors in."""
    label = {api.admin_label: "true"} if api.admin_access and api.admin_label else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where, "labels": OWNED | label}}


def wiring(cluster: Cluster, api: ResourceApi, target: Target, name: str, where: str, count: int) -> Wiring:
    """Return what gives one pod of its own so many GPUs."""
    if not target.by_claim:
        quantity = {resource_of(cluster, target.gpus): str(count)}
        return Wiring(resources={"requests": quantity, "limits": dict(quantity)})
    wanted = claims.spec(api, _need(target, count), ())
    return claimed([claims.template(api, name, where, wanted)], {"resourceClaimTemplateName": name})


def shared(api: ResourceApi, target: Target, name: str, where: str, count: int) -> Wiring:
    """Return what gives all pods that name it the same GPUs."""
    wanted = claims.spec(api, _need(target, count), ())
    return claimed([claims.claim(api, name, where, wanted)], {"resourceClaimName": name})


def watching(api: ResourceApi, vendor: Vendor, name: str, where: str) -> Wiring:
    """Return what shows one pod every device of a node; the namespace is there."""
    template = claims.monitoring(api, vendor, name, where)[-1]
    return claimed([template], {"resourceClaimTemplateName": name})


def claimed(objects: list[Object], source: Mapping[str, str]) -> Wiring:
    """Return how a pod names a claim."""
    return Wiring(objects, {"resourceClaims": [{"name": CLAIM, **source}]}, {"claims": [{"name": CLAIM}]})


def _need(target: Target, count: int) -> Need:
    return Need(target.gpus.vendor, count, (target.gpus.model,), profile=profile_of(target.gpus))


def pod(name: str, where: str, node: str, image: str, wired: Wiring | None = None) -> Object:
    """Return a pod that says what it sees, and stays; claims are allocated by the scheduler alone."""
    wired = wired or Wiring()
    requests = {"cpu": "5m", "memory": "16Mi"} | wired.resources.get("requests", {})
    limits = {"memory": "64Mi"} | wired.resources.get("limits", {})
    claims_ = {"claims": wired.resources["claims"]} if "claims" in wired.resources else {}
    container = {
        "name": NAME,
        "image": image,
        "command": ["sh", "-c", SCRIPT],
        "resources": {"requests": requests, "limits": limits, **claims_},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65534,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where, "labels": {LABEL: "pod"}},
        "spec": {
            "nodeSelector": {"kubernetes.io/hostname": node},
            "tolerations": [{"operator": "Exists"}],
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "containers": [container],
            **wired.pod,
        },
    }


def seen(logs: str) -> dict[str, frozenset[str]]:
    """Return the device nodes by pod, out of `kubectl logs --prefix`."""
    found = {}
    for line in logs.splitlines():
        head, _, text = line.partition("] ")
        if text.startswith(SEES):
            found[head.split("/")[1]] = frozenset(text.removeprefix(SEES).split())
    return found


def told(items: Iterable[Mapping[str, Any]], logs: str) -> dict[str, Told]:
    """Return how far every pod came."""
    nodes = seen(logs)
    return {each["metadata"]["name"]: _told(each, nodes.get(each["metadata"]["name"])) for each in items}


def _told(item: Mapping[str, Any], nodes: frozenset[str] | None) -> Told:
    status = item.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    placed = conditions.get("PodScheduled", {})
    refused = str(placed.get("message", "")) if placed.get("reason") == "Unschedulable" else ""
    if status.get("phase") == "Running" and nodes is not None:
        return Told(nodes, "", "")
    waiting = [
        state.get("message") or state.get("reason", "")
        for container in status.get("containerStatuses") or ()
        for state in (container.get("state") or {}).values()
        if state.get("reason")
    ]
    return Told(None, refused or next(filter(None, waiting), "") or "it starts", refused)
