"""Which unit a component runs in: one of its own, or k3s', which is all of them."""

from __future__ import annotations

from deploy.model import Cluster, Node
from deploy.observe.k3s import AGENT_UNIT, SERVER_UNIT


def unit_of(component: str, cluster: Cluster, node: Node) -> str:
    """Return the name of the unit of kubelet or containerd on a node."""
    if not cluster.is_k3s:
        return component
    return (SERVER_UNIT if node.is_control_plane else AGENT_UNIT).removesuffix(".service")
