"""The nodes whose GPUs a verify can ask for: what is published there, and what of it nobody holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import gevent

from checks.acceptance import gpu_verdicts as verdicts
from checks.acceptance.gpu_pods import OWN_NODE, Target
from checks.acceptance.hands import Hands
from checks.cluster.gpus import devices_of
from checks.cluster.snapshot import Object, Snapshot, name_of
from checks.finding import Finding
from checks.say import unread
from deploy.catalog import gpu as names
from deploy.errors import UnreachableError
from deploy.gpu.parts import are_all, devices, profile_of
from deploy.gpu.published import Published, published
from deploy.gpu.wiring import resource_of
from deploy.model import Allocation, Cluster, Gpus, Node, Vendor
from deploy.observe import gpu_use

# PCI slot and device node of every card: the kernel's DRM says one, NVIDIA's driver another
NODES = """
for d in /sys/bus/pci/devices/*/drm/renderD*; do
  [ -e "$d" ] && s=${d%/drm/*} && echo "${s##*/} /dev/dri/${d##*/}"
done
for f in /proc/driver/nvidia/gpus/*/information; do
  [ -r "$f" ] || continue
  s=${f%/*}
  awk -F: -v s="${s##*/}" '$1 == "Device Minor" { print s, "/dev/nvidia" $2 + 0 }' "$f"
done
:
"""
LISTS = ("nodes", "pods", "resourceslices", "resourceclaims")


def targets(
    cluster: Cluster, seen: Snapshot, hands: Hands, ready: Collection[str]
) -> tuple[tuple[Target, ...], list[Finding]]:
    """Return the GPUs that can be asked for, by node and model, and what is to be said of other nodes."""
    left_out = [finding for node in cluster.gpu_nodes() for finding in _left_out(node, seen, ready)]
    silent = {finding.host for finding in left_out}
    asked = [node for node in cluster.gpu_nodes() if node.name not in silent]
    nodes = {node.name: gevent.spawn(_nodes, hands, node.name) for node in asked}
    return tuple(
        _target(cluster, node, gpus, seen, nodes[node.name].get()) for node in asked for gpus in node.gpus
    ), left_out


def _left_out(node: Node, seen: Snapshot, ready: Collection[str]) -> Iterator[Finding]:
    unreadable = [name for name in LISTS if seen.items(name) is None]
    if unreadable:
        yield unread(verdicts.GIVEN, node.name, seen.cause(unreadable[0]))
    elif node.name not in ready:
        yield unread(verdicts.GIVEN, node.name, "the node is not Ready (K8S-01)")


def _target(cluster: Cluster, node: Node, gpus: Gpus, seen: Snapshot, nodes: str) -> Target:
    is_alone = len(node.gpus) == 1
    if gpus.allocation is Allocation.DEVICE_PLUGIN:
        return _counted(cluster, node, gpus, seen, is_alone=is_alone)
    driver = names.names(gpus.vendor).driver
    here = [
        each
        for each in published(seen.items("resourceslices") or ())
        if each.node == node.name and each.driver == driver
    ]
    cards = {each.key for each in here if each.is_a(gpus.vendor, gpus.model)}
    there = _there(gpus, len(cards))
    free = min(there, len(cards)) - len(cards & held(seen.items("resourceclaims") or ()))
    # parts of a card share its slot
    own = _by_device(here, by_slot(nodes, gpus.vendor)) if profile_of(gpus) is None else {}
    return Target(node.name, gpus, there, max(0, free), own, is_alone)


def _there(gpus: Gpus, found: int) -> int:
    """Return how many there are to be: as many as are offered, where the declared cards can make so many."""
    return found if are_all(gpus, found) else devices(gpus)


def _by_device(here: list[Published], nodes: Mapping[str, str]) -> dict[str, str]:
    return {each.device: nodes[each.slot] for each in here if each.slot in nodes}


def held(claims: tuple[Object, ...]) -> set[tuple[str, str, str]]:
    """Return the devices that claims hold, by driver, pool and name; a monitor holds none."""
    return {
        (each["driver"], each["pool"], each["device"])
        for claim in claims
        for each in devices_of(claim)
        if not each.get("adminAccess")
    }


def _counted(cluster: Cluster, node: Node, gpus: Gpus, seen: Snapshot, *, is_alone: bool) -> Target:
    """Return what a device plugin offers; what no pod has asked for is free."""
    resource = resource_of(cluster, gpus)
    living = next((each for each in seen.items("nodes") or () if name_of(each) == node.name), {})
    asked = sum(
        int(((container.get("resources") or {}).get("limits") or {}).get(resource, 0))
        for pod in seen.items("pods") or ()
        if pod["spec"].get("nodeName") == node.name
        and (pod.get("status") or {}).get("phase") not in gpu_use.DONE
        for container in pod["spec"].get("containers") or ()
    )
    found = gpu_use.allocatable(living, resource)
    there = _there(gpus, found)
    return Target(node.name, gpus, there, max(0, min(there, found) - asked), {}, is_alone)


def _nodes(hands: Hands, node: str) -> str:
    try:
        return hands.run(node, NODES, timeout=20.0).out
    except UnreachableError:
        return ""


def by_slot(text: str, vendor: Vendor) -> dict[str, str]:
    """Return the device node by which a vendor's GPU counts, by PCI slot."""
    pairs = (line.split() for line in text.splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2 and OWN_NODE[vendor].match(pair[1])}
