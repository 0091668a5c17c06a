"""Labels and taints of the nodes, as declared; and what a cluster without workers must be freed of."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import context
from deploy.model import Cluster, Node
from deploy.operations import kube_proxy
from deploy.operations import nodes as operations
from deploy.operations.nodes import Declared
from deploy.steps import gpu_labels
from deploy.steps.kubeadm import config

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
# kubeadm sets it on every control plane, and MetalLB then announces nothing from there, silently
NO_LOAD_BALANCER = "node.kubernetes.io/exclude-from-external-load-balancers"


@deploy("Nodes")
def nodes() -> None:
    """Label and taint the nodes."""
    if context.speaks():
        cluster = context.cluster()
        wanted = [declared(cluster, node) for node in cluster.nodes]
        operations.declared(name="Label and taint the nodes", wanted=wanted)
        if not cluster.is_k3s:
            kube_proxy.configured(
                name="Configure kube-proxy on a living cluster", settings=config.kube_proxy(cluster)
            )


def declared(cluster: Cluster, node: Node) -> Declared:
    """Return how a node shall be; the control planes of a cluster without workers run pods and announce."""
    alone = node.is_control_plane and not cluster.workers
    taints = node.taints
    return Declared(
        node.name,
        labels={**gpu_labels.kept_out(cluster, node), **node.labels},
        unlabelled=(
            *((NO_LOAD_BALANCER,) if alone and cluster.load_balancer else ()),
            *gpu_labels.let_in(cluster, node),
        ),
        marks=gpu_labels.MARKS,
        left=gpu_labels.left(cluster, node),
        taints=None if taints is None else tuple(f"{t.key}={t.value}:{t.effect.value}" for t in taints),
        untainted=(CONTROL_PLANE,) if alone else (),
    )
