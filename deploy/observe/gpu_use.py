"""Who holds GPUs in which way, and what nodes offer: pure readings of pods, claims, slices and nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from deploy.observe.kube import Object

DONE = ("Succeeded", "Failed")


def holders_by_number(pods: Iterable[Object], node: str, prefixes: tuple[str, ...]) -> Iterator[str]:
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
            yield f"{pod['metadata']['namespace']}/{pod['metadata']['name']} holds {', '.join(sorted(held))}"


def holders_by_claim(claims: Iterable[Object], node: str, driver: str) -> Iterator[str]:
    """Yield the claims that hold a driver's devices of a node; those with adminAccess only look on."""
    for claim in claims:
        allocation = (claim.get("status") or {}).get("allocation") or {}
        results = (allocation.get("devices") or {}).get("results") or []
        held = [
            each["device"]
            for each in results
            if each.get("driver") == driver and each.get("pool") == node and not each.get("adminAccess")
        ]
        if held:
            metadata = claim["metadata"]
            yield f"claim {metadata['namespace']}/{metadata['name']} holds {', '.join(sorted(held))}"


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
