"""Import the images that run on a host, verified, while nothing waits for them yet."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.model import Cluster, Node
from deploy.operations import images as operations
from deploy.operations.images import Image
from deploy.steps import serving
from deploy.steps.artifacts import SECONDS

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
EVERYWHERE = ("pause", "kube-proxy", "coredns", "agnhost")  # a verify runs agnhost, and waits for it
BALANCER = ("metallb-speaker", "metallb-controller")


@deploy("Images")
def images() -> None:
    """Pull by digest what kubeadm, flannel, MetalLB and a verify start on this host."""
    locked = catalog.lock.load(context.lock_path())
    wanted = [locked.image(key) for key in keys(context.cluster(), context.node())]
    operations.present(
        name="Import verified images",
        images=[Image(image.ref, image.digest) for image in wanted],
        _timeout=SECONDS,
    )
    serving.pulling()


def keys(cluster: Cluster, node: Node) -> list[str]:
    """Return the lock file's keys of the images that run on a node, or may at any time."""
    version = cluster.kubernetes.version
    names = (*EVERYWHERE, *(CONTROL_PLANE if node.is_control_plane else ()))
    network = ["flannel", "flannel-cni-plugin"]
    balancer = BALANCER if cluster.load_balancer else ()
    return [*(f"{name}@{version}" for name in names), *network, *balancer]
