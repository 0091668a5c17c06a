"""The GPUs that the cluster offers are those that were declared, each in one way, and no integrated ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.catalog import gpu as names
from deploy.gpu.parts import are_all, devices, profile_of
from deploy.gpu.published import Published, published
from deploy.gpu.wiring import resource_of
from deploy.model import Allocation, Cluster, Gpus, Node, Vendor

# what a device is called that is of no declared model
INTEGRATED, OTHER = "integrated", "other"


@dataclass(frozen=True, slots=True)
class _Said:
    """What is there of some of a node's GPUs, what was wanted, and what tells these from its others."""

    good: bool
    found: str
    wanted: str
    whose: str


def published_gpus(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every node that gives GPUs away by DRA publishes the declared ones; none is a failure like too few."""
    slices, classes = seen.items("resourceslices"), seen.items("deviceclasses")
    for node, declared in _by_node(cluster, Allocation.DRA):
        if slices is None or classes is None:
            yield unread(
                "DRA-04", node.name, seen.cause("resourceslices" if slices is None else "deviceclasses")
            )
            continue
        here = [each for each in published(slices) if each.node == node.name]
        said = [
            _published(vendor, [*each], here, {name_of(each) for each in classes})
            for vendor, each in groupby(declared, key=lambda gpus: gpus.vendor)
        ]
        yield _judged("DRA-04", node, said)


def _judged(id_: str, node: Node, said: Sequence[_Said]) -> Finding:
    """Return one finding for a node, which names whose is what where there are several."""
    several = len(said) > 1
    return judged(
        id_,
        node.name,
        all(each.good for each in said),
        found="; ".join(f"{each.whose}: {each.found}" if several else each.found for each in said),
        wanted="; ".join(f"{each.whose}: {each.wanted}" if several else each.wanted for each in said),
    )


def _by_node(cluster: Cluster, way: Allocation) -> Iterator[tuple[Node, list[Gpus]]]:
    """Yield the nodes with GPUs that are given away in this way, and these, by vendor."""
    for node in cluster.gpu_nodes():
        declared = [gpus for vendor in node.gpu_vendors for gpus in node.gpus_of(vendor)]
        if mine := [gpus for gpus in declared if gpus.allocation is way]:
            yield node, mine


def _published(vendor: Vendor, declared: list[Gpus], here: list[Published], classes: set[str]) -> _Said:
    known = names.names(vendor)
    mine = [each for each in here if each.driver == known.driver]
    counts = [sum(each.is_a(vendor, gpus.model) for each in mine) for gpus in declared]
    all_there = all(are_all(gpus, count) for gpus, count in zip(declared, counts, strict=True))
    has_class = known.whole.device_class in classes
    return _Said(
        all_there and has_class,
        f"{_counted(mine, declared) or 'no device'}{'' if has_class else ', no device class'}",
        f"{', '.join(map(_wanted, declared))} of {known.driver}",
        vendor.value,
    )


def _wanted(gpus: Gpus) -> str:
    cards, profile = f"{gpus.count} {gpus.model}", profile_of(gpus)
    return f"{devices(gpus)} parts {profile} of {cards}" if profile else cards


def _counted(here: list[Published], declared: list[Gpus]) -> str:
    """Say what a node publishes, in an order of its own: 2 A770, 1 integrated, 1 other."""
    kinds = Counter(_kind(each, declared) for each in here)
    known = (*dict.fromkeys(gpus.model for gpus in declared), INTEGRATED, OTHER)
    return ", ".join(f"{kinds[kind]} {kind}" for kind in known if kinds[kind])


def _kind(device: Published, declared: list[Gpus]) -> str:
    model = next((gpus.model for gpus in declared if device.is_a(gpus.vendor, gpus.model)), None)
    return model or (INTEGRATED if device.integrated else OTHER)


def counted_gpus(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every node that gives GPUs away by number has all to give that the declared ones make."""
    nodes = seen.items("nodes")
    for node, declared in _by_node(cluster, Allocation.DEVICE_PLUGIN):
        if nodes is None:
            yield unread("GPU-08", node.name, seen.cause("nodes"))
            continue
        status: Mapping[str, Any] = next(
            (each.get("status") or {} for each in nodes if name_of(each) == node.name), {}
        )
        yield _judged("GPU-08", node, [_offers(cluster, gpus, status) for gpus in declared])


def _offers(cluster: Cluster, gpus: Gpus, status: Mapping[str, Any]) -> _Said:
    """Judge cards of one model: those of two with one name are a mistake in an inventory."""
    resource = resource_of(cluster, gpus)
    has, gives = (int((status.get(part) or {}).get(resource, 0)) for part in ("capacity", "allocatable"))
    return _Said(
        has == gives and are_all(gpus, gives),
        f"{gives} {resource}" + (f" of {has}" if has != gives else ""),
        str(devices(gpus)),
        gpus.model,
    )


def one_allocator(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No node offers its GPUs in both ways."""
    slices, nodes = seen.items("resourceslices"), seen.items("nodes")
    for node in cluster.gpu_nodes():
        if slices is None or nodes is None:
            yield unread("GPU-10", node.name, seen.cause("resourceslices" if slices is None else "nodes"))
            continue
        if node.name not in {name_of(each) for each in nodes}:
            yield unread("GPU-10", node.name, "it is not in the cluster (K8S-01)")
            continue
        ways = {vendor: _ways(node, vendor, slices, nodes) for vendor in node.gpu_vendors}
        silent = [vendor for vendor, each in ways.items() if not any(each)]
        said = [
            _Said(
                not all(each),
                " and ".join(filter(None, each)) or "no GPU",
                f"{node.allocation(vendor)} alone",
                vendor.value,
            )
            for vendor, each in ways.items()
        ]
        if silent and all(each.good for each in said):
            whose = "GPU" if len(ways) == 1 else f"GPU of {' and '.join(silent)}"
            yield unread("GPU-10", node.name, f"it offers no {whose} in either way (DRA-04, GPU-08)")
            continue
        yield _judged("GPU-10", node, said)


def _ways(
    node: Node, vendor: Vendor, slices: tuple[Object, ...], nodes: tuple[Object, ...]
) -> tuple[str, str]:
    """Return what a node offers of a vendor's by DRA, and what by number."""
    known = names.names(vendor)
    count = sum(each.node == node.name and each.driver == known.driver for each in published(slices))
    prefixes = {resource.partition("/")[0] for resource in known.resources.values()}
    offered = _offered(nodes, node.name, prefixes)
    return f"{count} devices by DRA" if count else "", " and ".join(offered)


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
    if not cluster.claimed_gpus():
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
        for each in devices_of(claim)
        if (each["driver"], each["pool"], each["device"]) in integrated and not each.get("adminAccess")
    ]
    said = f"{len(integrated)} published, none of them held" if not held else "; ".join(held)
    yield judged("GPU-04", None, not held, found=said, wanted="no claim for integrated graphics")


def devices_of(claim: Object) -> list[dict[str, Any]]:
    """Return the devices that a claim holds, or looks at as a monitor."""
    allocation = (claim.get("status") or {}).get("allocation") or {}
    results: list[dict[str, Any]] = (allocation.get("devices") or {}).get("results") or []
    return results
