"""Who holds GPUs in which way, and what nodes offer: pure readings of pods, claims, slices and nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from deploy.observe.kube import Object

DONE = ("Succeeded", "Failed")
HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Holder:
    """What holds GPUs of a node, and its pods; `end` is the command that frees a claim without one."""

    node: str
    name: str
    held: tuple[str, ...]
    pods: tuple[Object, ...]
    end: str = ""

    @property
    def text(self) -> str:
        """Say who holds what, and where."""
        return f"{self.node}: {self.name} holds {', '.join(self.held)}"


def holders_by_number(pods: Iterable[Object], node: str, prefixes: tuple[str, ...]) -> Iterator[Holder]:
    """Yield the living pods of a node that were given extended resources under one of the prefixes."""
    for pod in pods:
        spec = pod["spec"]
        if spec.get("nodeName") != node or (pod.get("status") or {}).get("phase") in DONE:
            continue
        held = {
            name
            for container in spec.get("containers", [])
            for name in ((container.get("resources") or {}).get("limits") or {})
            if name.partition("/")[0] in prefixes
        }
        if held:
            yield Holder(node, _name(pod), tuple(sorted(held)), (pod,))


def holders_by_claim(
    claims: Iterable[Object], pods: Iterable[Object], node: str, driver: str
) -> Iterator[Holder]:
    """Yield the claims that hold a driver's devices of a node; those with adminAccess only look on.

    One that was made for a pod goes a little after it, by itself, and holds nothing any more.
    """
    by_name = {_name(pod): pod for pod in pods}
    for claim in claims:
        allocation = (claim.get("status") or {}).get("allocation") or {}
        results = (allocation.get("devices") or {}).get("results") or []
        held = [
            each["device"]
            for each in results
            if each.get("driver") == driver and each.get("pool") == node and not each.get("adminAccess")
        ]
        if held and not _is_left(claim, by_name):
            home, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
            users = [each for each in claim["status"].get("reservedFor") or () if each["resource"] == "pods"]
            living = (by_name.get(f"{home}/{user['name']}") for user in users)
            mine = tuple(pod for pod in living if pod is not None)
            end = f"kubectl -n {home} delete resourceclaim {name}"
            yield Holder(node, f"claim {_name(claim)}", tuple(sorted(held)), mine, end)


def _is_left(claim: Object, pods: Mapping[str, Object]) -> bool:
    """Say whether a claim was made for a pod that is gone."""
    metadata = claim["metadata"]
    owners = [each["name"] for each in metadata.get("ownerReferences") or () if each["kind"] == "Pod"]
    return bool(owners) and not any(f"{metadata['namespace']}/{name}" in pods for name in owners)


def ends(pod: Object) -> str:
    """Return the command that ends a pod for good: its controller would make another one."""
    home, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    owners = pod["metadata"].get("ownerReferences") or ()
    kind, owner = next(((o["kind"], o["name"]) for o in owners if o.get("controller")), ("Pod", name))
    stamp = (pod["metadata"].get("labels") or {}).get(HASH)
    if kind == "ReplicaSet" and stamp:
        kind, owner = "Deployment", owner.removesuffix(f"-{stamp}")
    if kind in ("Deployment", "ReplicaSet", "StatefulSet"):
        return f"kubectl -n {home} scale {kind.lower()} {owner} --replicas=0"
    return f"kubectl -n {home} delete {kind.lower()} {owner}"


def _name(obj: Object) -> str:
    return f"{obj['metadata']['namespace']}/{obj['metadata']['name']}"


def devices(slices: Iterable[Object]) -> Counter[tuple[str, str]]:
    """Count the devices in ResourceSlices by (node, driver)."""
    found: Counter[tuple[str, str]] = Counter()
    for each in slices:
        spec = each["spec"]
        if spec.get("nodeName"):
            found[spec["nodeName"], spec["driver"]] += len(spec.get("devices") or [])
    return found


def allocatable(node: Mapping[str, object], resource: str) -> int:
    """Return how many of an extended resource a node can give away."""
    status = node.get("status")
    offered = status.get("allocatable") if isinstance(status, Mapping) else None
    return int(offered.get(resource, 0)) if isinstance(offered, Mapping) else 0
