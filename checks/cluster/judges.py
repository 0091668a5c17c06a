"""Every judge of a cluster, in the order of its report."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from checks.cluster import (
    balancer,
    claims,
    gateways,
    gpu_operators,
    gpu_stacks,
    gpus,
    kubelets,
    nodes,
    registry,
    serving,
    storage,
    workloads,
)
from checks.cluster.snapshot import Snapshot
from checks.finding import Finding
from deploy.model import Cluster

Judge = Callable[[Cluster, Snapshot], Iterable[Finding]]

JUDGES: tuple[Judge, ...] = (
    nodes.api_ready,
    nodes.nodes_ready,
    nodes.kubelet_versions,
    kubelets.configuration,
    nodes.labels,
    workloads.static_pods,
    workloads.system_workloads,
    balancer.one_owner,
    balancer.announcers,
    balancer.pool,
    claims.on_in_kubelets,
    claims.on_in_control_planes,
    claims.served_api,
    claims.leaked,
    storage.in_order,
    storage.store_is_up,
    registry.is_up,
    gpus.published_gpus,
    gpus.counted_gpus,
    gpus.one_allocator,
    gpus.cards_only,
    gpu_operators.ready,
    gpu_stacks.left,
    serving.up,
    serving.undeclared,
    serving.kept,
    serving.pinned,
    serving.of_the_hub,
    serving.shared_memory,
    serving.survived,
    gateways.brought_once,
    gateways.taken,
)


def judge(cluster: Cluster, seen: Snapshot) -> list[Finding]:
    """Return what every judge says."""
    return [finding for each in JUDGES for finding in each(cluster, seen)]
