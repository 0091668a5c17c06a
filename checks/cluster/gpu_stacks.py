"""Stacks that give GPUs away, against those that the inventory asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from checks.cluster.snapshot import Object, Snapshot, name_of, namespace_of
from checks.cluster.workloads import NFD, STACKS
from checks.finding import Finding
from checks.say import judged, unread
from deploy.catalog import gpu_needs
from deploy.model import Cluster
from deploy.model.labels import OWNED

KINDS = ("deployments", "daemonsets")
PLUGINS = "intel-device-plugins"
# the namespaces of the stacks: what each is called, and what takes it away with all that it runs; AMD's and
# NVIDIA's charts do that in hooks, and the plugin of Intel's operator is an object beside its chart
REMOVED = {
    "intel-gpu-resource-driver": (
        "Intel's resource driver",
        "helm uninstall intel-gpu-resource-driver -n intel-gpu-resource-driver",
    ),
    PLUGINS: (
        "Intel's device plugin",
        f"kubectl delete gpudeviceplugins slipway && helm uninstall {PLUGINS}-operator -n {PLUGINS}",
    ),
    "kube-amd-gpu": ("AMD's GPU operator", "helm uninstall amd-gpu-operator -n kube-amd-gpu"),
    "gpu-operator": ("NVIDIA's GPU operator", "helm uninstall nvidia-gpu-operator -n gpu-operator"),
    NFD: ("Node Feature Discovery", f"helm uninstall {NFD} -n {NFD}"),
}
WANTED = "none beside those that are declared"


def left(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """No stack of slipway's runs that no node asks for any more; those of others are theirs."""
    if lost := next((kind for kind in ("namespaces", *KINDS) if seen.items(kind) is None), None):
        yield unread("GPU-18", None, seen.cause(lost))  # unsaid, it would be taken for gone
        return
    others = {home: each for home, each in REMOVED.items() if home in _run(seen) - _declared(cluster)}
    if not others and not cluster.gpu_nodes():
        return
    said = "; ".join(f"{title} in {home}" for home, (title, _) in others.items())
    finding = judged("GPU-18", None, not others, found=said or "none", wanted=WANTED)
    commands = "; ".join(command for _, command in others.values())
    remedy = f"Declare its GPUs again, or remove it while nothing holds them: {commands}"
    yield replace(finding, remedy=remedy) if others else finding


def _declared(cluster: Cluster) -> set[str]:
    homes = {str(STACKS[each].home) for each in gpu_needs.stacks(cluster)}
    return homes | ({NFD} if gpu_needs.wants_node_features(cluster) else set())


def _run(seen: Snapshot) -> set[str]:
    """Return the namespaces of slipway's in which something runs."""
    ours = {name_of(each) for each in seen.items("namespaces") or () if _is_ours(each)}
    return ours & {namespace_of(each) for kind in KINDS for each in seen.items(kind) or ()}


def _is_ours(namespace: Object) -> bool:
    return OWNED.items() <= (namespace["metadata"].get("labels") or {}).items()
