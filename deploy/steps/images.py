"""Import the images that surely run on a host, verified, while nothing waits for them yet."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.model import Cluster, Node
from deploy.operations import images as operations
from deploy.operations.images import Image

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "coredns")
EVERYWHERE = ("pause", "kube-proxy")


@deploy("Images")
def images() -> None:
    """Pull by digest what kubeadm, flannel and MetalLB start on this host."""
    locked = catalog.lock.load(context.lock_path())
    wanted = [locked.image(key) for key in keys(context.cluster(), context.node())]
    operations.present(
        name="Import verified images", images=[Image(image.ref, image.digest) for image in wanted]
    )


def keys(cluster: Cluster, node: Node) -> list[str]:
    """Return the lock file's keys of the images that run on a node whatever the scheduler does."""
    version = cluster.kubernetes.version
    names = (*EVERYWHERE, *(CONTROL_PLANE if node.is_control_plane else ()))
    network = ["flannel", "flannel-cni-plugin"]
    balancer = ["metallb-speaker"] if cluster.load_balancer else []
    return [*(f"{name}@{version}" for name in names), *network, *balancer]
