"""A cluster out of hosts that run containerd: the first control plane, the others one by one, the workers."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy

from deploy import context, render
from deploy.catalog.kubelet import settings as kubelet_settings
from deploy.model import Cluster, Node
from deploy.model.row import Disturbs
from deploy.operations import files, kubeadm, units
from deploy.operations.credentials import Asks
from deploy.operations.files import File
from deploy.operations.units import Unit
from deploy.steps import cni
from deploy.steps.kubeadm import config

CONFIG = "/etc/slipway/kubeadm.yaml"
DROP_IN = "/etc/kubernetes/kubelet.conf.d/20-slipway.conf"
# what the kubelet reads when it starts, beside our drop-in: kubeadm's files, and the binary by its stamp
INPUTS = (
    "/var/lib/kubelet/config.yaml",
    "/var/lib/kubelet/kubeadm-flags.env",
    "/var/lib/slipway/stamps/usr-local-bin-kubelet",
)


@deploy("Control plane")
def control_plane() -> None:
    """Start the first control plane."""
    if not context.founds():
        return
    cluster, node = context.cluster(), context.node()
    text = config.as_yaml(config.init_documents(cluster, node))
    files.present(name="Write kubeadm's configuration", files=[File(CONFIG, text, mode="0600")])
    kubelet = _kubelet_prepared(cluster)
    kubeadm.initialised(name="Initialise the cluster", cluster=cluster.name, node=node.name, config=CONFIG)
    units.brought_up(name="Run the kubelet", unit=kubelet, disturbs=Disturbs.PODS)


@deploy("Control planes")
def control_planes() -> None:
    """Join another control plane."""
    if context.follows():
        _joined(context.cluster(), context.node())


@deploy("Names")
def names() -> None:
    """Deploy CoreDNS."""
    if context.founds():
        kubeadm.named(name="Deploy CoreDNS", node=context.node().name, config=CONFIG, network=cni.PODS)


@deploy("Workers")
def workers() -> None:
    """Join a worker."""
    if context.works():
        _joined(context.cluster(), context.node())


def _joined(cluster: Cluster, node: Node) -> None:
    speaker = host.data.get(context.SPEAKER) or cluster.control_planes[0].name
    kubelet = _kubelet_prepared(cluster)
    kubeadm.joined(
        name="Join the cluster",
        cluster=cluster.name,
        node=node.name,
        config=config.join_document(cluster, node),
        endpoint=config.endpoint(cluster),
        asks=Asks(speaker, config.init_documents(cluster, cluster.node(speaker))),
    )
    units.brought_up(name="Run the kubelet", unit=kubelet, disturbs=Disturbs.PODS)


def _kubelet_prepared(cluster: Cluster) -> Unit:
    """Lay out the kubelet's files: kubeadm starts it, and shall start it as it is to run."""
    settings = kubeadm.drop_in(DROP_IN, kubelet_settings(cluster))
    unit = Unit("kubelet.service", render.file("kubeadm/kubelet.service"), (settings, *INPUTS))
    files.present(name="Configure the kubelet", files=[settings, *units.own_files(unit)])
    return unit
