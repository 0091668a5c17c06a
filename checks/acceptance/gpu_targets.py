"""The nodes whose GPUs a verify can ask for: what is published there, and what of it nobody holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import gevent

from checks.acceptance import gpu_verdicts as verdicts
from checks.acceptance.gpu_pods import Target
from checks.acceptance.hands import Hands
from checks.cluster.snapshot import Object, Snapshot, name_of
from checks.finding import Finding
from checks.say import skipped, unread
from deploy.catalog import gpu as names
from deploy.errors import UnreachableError
from deploy.gpu.published import Published, published
from deploy.gpu.wiring import resource_of
from deploy.model import Allocation, Cluster, Gpus, Node
from deploy.observe import gpu_use

# PCI slot and render node of every card that the kernel's DRM drives
RENDERS = 'for d in /sys/bus/pci/devices/*/drm/renderD*; do [ -e "$d" ] && echo "$d"; done; :'
LISTS = ("nodes", "pods", "resourceslices", "resourceclaims")


def targets(
    cluster: Cluster, seen: Snapshot, hands: Hands, ready: Collection[str]
) -> tuple[tuple[Target, ...], list[Finding]]:
    """Return the nodes that can be asked, and what is to be said of the others."""
    left_out = [finding for node in cluster.gpu_nodes() for finding in _left_out(node, seen, ready)]
    silent = {finding.host for finding in left_out}
    asked = [node for node in cluster.gpu_nodes() if node.name not in silent]
    renders = {node.name: gevent.spawn(_renders, hands, node.name) for node in asked}
    return tuple(
        _target(cluster, node, node.gpus, seen, renders[node.name].get()) for node in asked if node.gpus
    ), left_out


def _left_out(node: Node, seen: Snapshot, ready: Collection[str]) -> Iterator[Finding]:
    if node.gpus is None:
        return
    unreadable = [name for name in LISTS if seen.items(name) is None]
    if node.gpus.sharing or node.gpus.partitioning:
        yield skipped(verdicts.GIVEN, node.name, "its GPUs are cut into parts, or shared by number")
    elif unreadable:
        yield unread(verdicts.GIVEN, node.name, seen.cause(unreadable[0]))
    elif node.name not in ready:
        yield unread(verdicts.GIVEN, node.name, "the node is not Ready (K8S-01)")


def _target(cluster: Cluster, node: Node, gpus: Gpus, seen: Snapshot, renders: Mapping[str, str]) -> Target:
    if gpus.allocation is Allocation.DEVICE_PLUGIN:
        return Target(node.name, gpus, _unasked(cluster, node, gpus, seen), {})
    driver = names.names(gpus.vendor).driver
    here = [
        each
        for each in published(seen.items("resourceslices") or ())
        if each.node == node.name and each.driver == driver
    ]
    cards = {each.key for each in here if each.is_a(gpus.vendor, gpus.model)}
    free = min(gpus.count, len(cards)) - len(cards & held(seen.items("resourceclaims") or ()))
    return Target(node.name, gpus, max(0, free), _by_device(here, renders))


def _by_device(here: list[Published], renders: Mapping[str, str]) -> dict[str, str]:
    return {each.device: renders[each.slot] for each in here if each.slot in renders}


def held(claims: tuple[Object, ...]) -> set[tuple[str, str, str]]:
    """Return the devices that claims hold, by driver, pool and name; a monitor holds none."""
    return {
        (each["driver"], each["pool"], each["device"])
        for claim in claims
        for each in ((claim.get("status") or {}).get("allocation") or {})
        .get("devices", {})
        .get("results", ())
        if not each.get("adminAccess")
    }


def _unasked(cluster: Cluster, node: Node, gpus: Gpus, seen: Snapshot) -> int:
    """Return how many of a node's extended resource no pod has asked for."""
    resource = resource_of(cluster, gpus)
    living = next((each for each in seen.items("nodes") or () if name_of(each) == node.name), {})
    asked = sum(
        int(((container.get("resources") or {}).get("limits") or {}).get(resource, 0))
        for pod in seen.items("pods") or ()
        if pod["spec"].get("nodeName") == node.name
        and (pod.get("status") or {}).get("phase") not in gpu_use.DONE
        for container in pod["spec"].get("containers") or ()
    )
    return max(0, min(gpus.count, gpu_use.allocatable(living, resource)) - asked)


def _renders(hands: Hands, node: str) -> dict[str, str]:
    try:
        return rendered(hands.run(node, RENDERS, timeout=20.0).out)
    except UnreachableError:
        return {}


def rendered(text: str) -> dict[str, str]:
    """Return the device node by PCI slot."""
    paths = [line.split("/") for line in text.splitlines() if line.count("/") == 7]
    return {parts[5]: f"/dev/dri/{parts[7]}" for parts in paths}
