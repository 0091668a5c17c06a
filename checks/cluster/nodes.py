"""The nodes are the inventory's: all there, Ready, at their addresses, of the declared version, labelled."""

from __future__ import annotations

from collections.abc import Iterator

from checks.cluster.snapshot import Object, Snapshot, condition, conditions, name_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster, Node
from deploy.observe import nodes as observed

NO_TAINT = "no taint"
PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


def api_ready(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """The API server says that it is ready, and is of the declared version."""
    answer = seen.answer("ready")
    said = answer.cause if answer.text is None else answer.text.strip()
    yield judged("K8S-14", None, said == "ok", found=said, wanted="ok")
    version = seen.answer("version").data()
    if not isinstance(version, dict):
        yield unread("K8S-02", None, seen.cause("version"))
        return
    wanted = cluster.kubernetes.version
    found = str(version.get("gitVersion"))
    yield judged("K8S-02", None, found == wanted, found=f"API server {found}", wanted=wanted)


def nodes_ready(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Exactly the declared nodes are there, each Ready at its address and under no pressure."""
    nodes = seen.items("nodes")
    if nodes is None:
        yield from (unread("K8S-01", node.name, seen.cause("nodes")) for node in cluster.nodes)
        return
    live = {name_of(node): node for node in nodes}
    for node in cluster.nodes:
        wanted = f"Ready at {node.address}"
        found, detail = _state(live[node.name]) if node.name in live else ("not in the cluster", "")
        yield judged("K8S-01", node.name, found == wanted, found=found, wanted=wanted, detail=detail)
    declared = {node.name for node in cluster.nodes}
    for ghost in sorted(live.keys() - declared):
        yield judged("K8S-01", ghost, False, found="in the cluster", wanted="not in the inventory")


def _state(node: Object) -> tuple[str, str]:
    """Return `Ready at 10.0.0.1` with what is wrong about it, and the kubelet's words for that."""
    ready = condition(node, "Ready")
    up = ready is not None and ready["status"] == "True"
    pressures = [each for each in conditions(node) if each["type"] in PRESSURES and each["status"] == "True"]
    words = [
        f"{'Ready' if up else 'not Ready'} at {_address(node)}",
        *(str(each["type"]) for each in pressures),
        *(["cordoned"] if node.get("spec", {}).get("unschedulable") else []),
    ]
    told = [*([] if up or ready is None else [ready]), *pressures]
    said = [f"{each.get('reason', '')}: {each.get('message', '')}" for each in told]
    return ", ".join(words), "\n".join(said)


def _address(node: Object) -> str:
    addresses = node.get("status", {}).get("addresses") or ()
    return next((str(each["address"]) for each in addresses if each["type"] == "InternalIP"), "no address")


def kubelet_versions(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every kubelet that talks to the API is of the declared version."""
    wanted = cluster.kubernetes.version
    for node in cluster.nodes:
        live = _live(node, seen)
        if live is None:
            yield unread("K8S-02", node.name, _absent(seen))
            continue
        found = (live.get("status") or {}).get("nodeInfo", {}).get("kubeletVersion")
        if not found:
            yield unread("K8S-02", node.name, "its kubelet has not said its version")
            continue
        yield judged("K8S-02", node.name, found == wanted, found=f"kubelet {found}", wanted=wanted)


def labels(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every declared label and taint is there, and no other taint where taints are declared."""
    for node in cluster.nodes:
        live = _live(node, seen)
        if live is None:
            yield unread("K8S-08", node.name, _absent(seen))
            continue
        wanted = _wanted(node)
        if not wanted and node.taints is None:
            continue
        missing = [each for each in wanted if each not in _has(live)]
        wrong = [
            *([f"missing: {', '.join(missing)}"] if missing else []),
            *([f"not declared: {', '.join(more)}"] if (more := _undeclared(node, live)) else []),
        ]
        told = ", ".join(wanted) or NO_TAINT
        yield judged("K8S-08", node.name, not wrong, found="; ".join(wrong) or told, wanted=told)


def _wanted(node: Node) -> list[str]:
    taints = [f"{each.key}={each.value}:{each.effect}" for each in node.taints or ()]
    return [*(f"{key}={value}" for key, value in sorted(node.labels.items())), *taints]


def _has(live: Object) -> set[str]:
    taints = live.get("spec", {}).get("taints") or ()
    return {
        *(f"{key}={value}" for key, value in live["metadata"].get("labels", {}).items()),
        *(f"{each['key']}={each.get('value', '')}:{each['effect']}" for each in taints),
    }


def _undeclared(node: Node, live: Object) -> list[str]:
    """Return the taints that somebody set by hand; Kubernetes' own come and go by themselves."""
    if node.taints is None:
        return []
    declared = {f"{each.key}={each.value}:{each.effect}" for each in node.taints}
    return [each for each in observed.taints(dict(live)) if each not in declared]


def _live(node: Node, seen: Snapshot) -> Object | None:
    return next((each for each in seen.items("nodes") or () if name_of(each) == node.name), None)


def _absent(seen: Snapshot) -> str:
    return seen.cause("nodes") if seen.items("nodes") is None else "it is not in the cluster (K8S-01)"
