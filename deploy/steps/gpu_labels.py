"""Labels that nodes have for the sake of their GPUs, and that outlive what the inventory declared."""

from __future__ import annotations

from deploy.catalog import gpu_needs
from deploy.gpu.wiring import ALLOCATION_LABEL, MODEL_LABEL, PARTS_LABEL, VENDOR_LABEL
from deploy.model import Cluster, Node, Vendor
from deploy.steps import amd, gpu_stack, nvidia

OURS = (
    VENDOR_LABEL,
    MODEL_LABEL,
    ALLOCATION_LABEL,
    PARTS_LABEL,
)
OPERATORS = {
    Vendor.AMD: (amd.PROFILE_LABEL,),
    Vendor.NVIDIA: (nvidia.PLUGIN_LABEL, nvidia.MIG_LABEL),
}

# with "false" nothing of it runs on a node (NVIDIA/gpu-operator a22dbf6 controllers/state_manager.go)
OPERANDS = "nvidia.com/gpu.deploy.operands"


def kept_out(cluster: Cluster, node: Node) -> dict[str, str]:
    """Return the label that keeps NVIDIA's operator from cards that a node has and does not declare.

    Node Feature Discovery tells the operator of all nodes with its cards.
    """
    found = gpu_needs.discovered(cluster, Vendor.NVIDIA)
    return {OPERANDS: "false"} if found and node not in cluster.gpu_nodes(Vendor.NVIDIA) else {}


def let_in(cluster: Cluster, node: Node) -> tuple[str, ...]:
    """Return the label that a node may have of the time before it declared cards of NVIDIA's."""
    by_hand = cluster.gpu.nvidia.manifest is not None or OPERANDS in node.labels
    return (OPERANDS,) if node in cluster.gpu_nodes(Vendor.NVIDIA) and not by_hand else ()


def left(cluster: Cluster, node: Node) -> tuple[str, ...]:
    """Return those of the labels that the GPU phases set which this node is not declared to have.

    What Node Feature Discovery finds is its own, and so is what a vendor's operator reads where a manifest
    installs it: the operator may set these itself, and again.
    """
    theirs = node.gpus.vendor if node.gpus and cluster.gpu.stack(node.gpus.vendor).manifest else None
    read = (name for vendor, names in OPERATORS.items() if vendor is not theirs for name in names)
    found = () if gpu_needs.wants_node_features(cluster) else tuple(gpu_stack.FOUND.values())
    own = (gpu_stack.labels(cluster, node), amd.profiles(cluster), nvidia.labels(cluster))
    wanted = {*node.labels, *own[0], *own[1].get(node.name, {}), *own[2].get(node.name, {})}
    return tuple(name for name in (*OURS, *read, *found) if name not in wanted)
