"""Labels that nodes have for the sake of their GPUs, and that outlive what the inventory declared."""

from __future__ import annotations

from deploy.catalog import gpu_needs
from deploy.gpu.wiring import ALLOCATION_LABEL, MODEL_LABEL, PARTS_LABEL, VENDOR_LABEL
from deploy.model import Cluster, Node
from deploy.steps import amd, gpu_stack, nvidia

OURS = (
    VENDOR_LABEL,
    MODEL_LABEL,
    ALLOCATION_LABEL,
    PARTS_LABEL,
    amd.PROFILE_LABEL,
    nvidia.PLUGIN_LABEL,
    nvidia.MIG_LABEL,
)


def left(cluster: Cluster, node: Node) -> tuple[str, ...]:
    """Return those of the labels that the GPU phases set which this node is not declared to have.

    What Node Feature Discovery finds is its own.
    """
    found = () if gpu_needs.wants_node_features(cluster) else tuple(gpu_stack.FOUND.values())
    own = (gpu_stack.labels(cluster, node), amd.profiles(cluster), nvidia.labels(cluster))
    wanted = {*node.labels, *own[0], *own[1].get(node.name, {}), *own[2].get(node.name, {})}
    return tuple(name for name in (*OURS, *found) if name not in wanted)
