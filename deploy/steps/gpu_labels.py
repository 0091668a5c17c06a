"""Labels that nodes have for the sake of their GPUs, and that outlive what the inventory declared."""

from __future__ import annotations

from deploy.catalog import gpu_needs
from deploy.gpu.wiring import allocation_label, model_label, parts_label, vendor_label
from deploy.model import Cluster, Node, Vendor
from deploy.steps import amd, gpu_stack, nvidia

# each of them says that slipway has labelled a node for its GPUs
MARKS = (*map(vendor_label, Vendor), gpu_stack.FORMER_MARK)
OURS = tuple(
    label(vendor) for vendor in Vendor for label in (vendor_label, model_label, allocation_label, parts_label)
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
    installs it: the operator may set these itself, and again. By labels of former releases a stack may serve
    a node with GPUs until it is told today's.
    """
    theirs = {vendor for vendor in node.gpu_vendors if cluster.gpu.stack(vendor).manifest}
    read = (name for vendor, names in OPERATORS.items() if vendor not in theirs for name in names)
    found = () if gpu_needs.wants_node_features(cluster) else tuple(gpu_stack.FOUND.values())
    own = (each.get(node.name, {}) for each in (amd.profiles(cluster), nvidia.labels(cluster)))
    ours = (gpu_stack.labels(cluster, node, vendor) for vendor in node.gpu_vendors)
    wanted = {*node.labels, *(name for each in (*own, *ours) for name in each)}
    former = () if node.gpus else gpu_stack.FORMER
    return tuple(name for name in (*OURS, *former, *read, *found) if name not in wanted)
