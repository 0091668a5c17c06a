"""The GPUs that the cluster offers are those that were declared, each in one way, and no integrated ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.catalog import gpu as names
from deploy.gpu.parts import are_all, devices, profile_of
from deploy.gpu.published import Published, published
from deploy.gpu.wiring import resource_of
from deploy.model import Allocation, Cluster, Gpus, Node


def _declared(cluster: Cluster, way: Allocation) -> Iterator[tuple[Node, Gpus]]:
    for node in cluster.gpu_nodes():
        if node.gpus and node.gpus.allocation is way:
            yield node, node.gpus


def published_gpus(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every node that gives GPUs away by DRA publishes the declared ones; none is a failure like too few."""
    slices, classes = seen.items("resourceslices"), seen.items("deviceclasses")
    for node, gpus in _declared(cluster, Allocation.DRA):
        if slices is None or classes is None:
            yield unread(
                "DRA-04", node.name, seen.cause("resourceslices" if slices is None else "deviceclasses")
            )
            continue
        known = names.names(gpus.vendor)
        here = [each for each in published(slices) if each.node == node.name and each.driver == known.driver]
        count = sum(each.is_a(gpus.vendor, gpus.model) for each in here)
        has_class = known.whole.device_class in {name_of(each) for each in classes}
        yield judged(
            "DRA-04",
            node.name,
            are_all(gpus, count) and has_class,
            found=f"{_counted(here, gpus) or 'no device'}{'' if has_class else ', no device class'}",
            wanted=f"{_wanted(gpus)} of {known.driver}",
        )


def _wanted(gpus: Gpus) -> str:
    cards, profile = f"{gpus.count} {gpus.model}", profile_of(gpus)
    return f"{devices(gpus)} parts {profile} of {cards}" if profile else cards


def _counted(here: list[Published], gpus: Gpus) -> str:
    """Say what a node publishes: 2 A770, 1 integrated, 1 other."""
    kinds = Counter(
        gpus.model if each.is_a(gpus.vendor, gpus.model) else "integrated" if each.integrated else "other"
        for each in here
    )
    return ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())


def counted_gpus(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every node that gives GPUs away by number has all to give that the declared ones make."""
    nodes = seen.items("nodes")
    for node, gpus in _declared(cluster, Allocation.DEVICE_PLUGIN):
        if nodes is None:
            yield unread("GPU-08", node.name, seen.cause("nodes"))
            continue
        resource = resource_of(cluster, gpus)
        status: Mapping[str, Any] = next(
            (each.get("status") or {} for each in nodes if name_of(each) == node.name), {}
        )
        has, gives = (int((status.get(part) or {}).get(resource, 0)) for part in ("capacity", "allocatable"))
        yield judged(
            "GPU-08",
            node.name,
            has == gives and are_all(gpus, gives),
            found=f"{gives} {resource}" + (f" of {has}" if has != gives else ""),
            wanted=str(devices(gpus)),
        )


def one_allocator(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No node offers its GPUs in both ways."""
    slices, nodes = seen.items("resourceslices"), seen.items("nodes")
    for node in cluster.gpu_nodes():
        if node.gpus is None:
            continue
        if slices is None or nodes is None:
            yield unread("GPU-10", node.name, seen.cause("resourceslices" if slices is None else "nodes"))
            continue
        if node.name not in {name_of(each) for each in nodes}:
            yield unread("GPU-10", node.name, "it is not in the cluster (K8S-01)")
            continue
        known = names.names(node.gpus.vendor)
        devices = sum(each.node == node.name and each.driver == known.driver for each in published(slices))
        offered = _offered(
            nodes, node.name, {resource.partition("/")[0] for resource in known.resources.values()}
        )
        ways = [*([f"{devices} devices by DRA"] if devices else []), *offered]
        if not ways:
            yield unread("GPU-10", node.name, "it offers no GPU in either way (DRA-04, GPU-08)")
            continue
        yield judged(
            "GPU-10",
            node.name,
            not (devices and offered),
            found=" and ".join(ways),
            wanted=f"{node.gpus.allocation} alone",
        )


def _offered(nodes: tuple[Object, ...], name: str, prefixes: set[str]) -> list[str]:
    status: Mapping[str, Any] = next(
        (each.get("status") or {} for each in nodes if name_of(each) == name), {}
    )
    return [
        f"{count} {resource} by number"
        for resource, count in sorted((status.get("allocatable") or {}).items())
        if resource.partition("/")[0] in prefixes and int(count) > 0
    ]


def cards_only(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No workload holds a processor's own graphics; monitors look at everything."""
    if not any(True for _ in _declared(cluster, Allocation.DRA)):
        return
    slices, claims = seen.items("resourceslices"), seen.items("resourceclaims")
    if slices is None or claims is None:
        yield unread("GPU-04", None, seen.cause("resourceslices" if slices is None else "resourceclaims"))
        return
    devices = [*published(slices)]
    if not devices:
        yield unread("GPU-04", None, "no device is published (DRA-04)")
        return
    integrated = {each.key: each for each in devices if each.integrated}
    held = [
        f"{namespace_of(claim)}/{name_of(claim)} holds {each['device']} of {each['pool']}"
        for claim in claims
        for each in _results(claim)
        if (each["driver"], each["pool"], each["device"]) in integrated and not each.get("adminAccess")
    ]
    said = f"{len(integrated)} published, none of them held" if not held else "; ".join(held)
    yield judged("GPU-04", None, not held, found=said, wanted="no claim for integrated graphics")


def _results(claim: Object) -> list[dict[str, Any]]:
    allocation = (claim.get("status") or {}).get("allocation") or {}
    results: list[dict[str, Any]] = (allocation.get("devices") or {}).get("results") or []
    return results
