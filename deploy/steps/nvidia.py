"""NVIDIA's GPUs: the GPU operator, by its ClusterPolicy (device plugin) or its GPUCluster (DRA)."""

from __future__ import annotations

from typing import Any

import yaml
from pyinfra.api import deploy

from deploy import context
from deploy.catalog import gpu_needs
from deploy.gpu.parts import WHOLE
from deploy.model import Allocation, Cluster, DriverSource, Gpus, SharingStrategy, Vendor
from deploy.operations import gpu_parts, helm, kube
from deploy.operations.helm import Release
from deploy.steps import charts, gpu_images, gpu_stack

NAMESPACE = "gpu-operator"
RELEASE = "nvidia-gpu-operator"
PHASE = "gpu-nvidia"
CONFIG_MAP = "slipway-device-plugin"
PLUGIN_LABEL = "nvidia.com/device-plugin.config"
MIG_LABEL = "nvidia.com/mig.config"
# NVIDIA/gpu-operator controllers/transforms_test.go: where k3s keeps its containerd
K3S_TOOLKIT = {
    "CONTAINERD_CONFIG": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    "CONTAINERD_SOCKET": "/run/k3s/containerd/containerd.sock",
}


@deploy("NVIDIA GPUs")
def nvidia() -> None:
    """Install the operator; it takes one of its two resources, and so serves all nodes in one way."""
    if context.speaks():
        _unused(context.cluster())
    gpu_stack.by_operator(Vendor.NVIDIA, PHASE, NAMESPACE, labels, _operator)


def _unused(cluster: Cluster) -> None:
    """Have nobody use the cards that are to be cut: the MIG manager fails on those in use."""
    layouts = {node: own[MIG_LABEL] for node, own in labels(cluster).items() if MIG_LABEL in own}
    if not layouts:
        return
    holding = gpu_stack.holding(cluster, Vendor.NVIDIA)
    gpu_parts.unused(
        name="Make sure that no GPU in use is cut",
        layouts=layouts,
        label=MIG_LABEL,
        whole=WHOLE,
        holding=holding,
        _timeout=gpu_stack.SLACK + holding.seconds,
    )


def other(cluster: Cluster) -> dict[str, Any]:
    """Return the resource of the way that is left: the operator takes one only, and Helm keeps some."""
    if _nodes(cluster)[0].allocation is Allocation.DRA:
        kind, name = {"apiVersion": "nvidia.com/v1", "kind": "ClusterPolicy"}, "cluster-policy"
    else:
        kind, name = {"apiVersion": "nvidia.com/v1alpha1", "kind": "GPUCluster"}, "gpu-cluster"
    return {**kind, "metadata": {"name": name}}


def _operator(cluster: Cluster) -> None:
    kube.gone(name="Remove the way that is left", objects=[other(cluster)], owner="Helm")
    chart = charts.fetched(f"{RELEASE}-chart")
    kube.applied(name="Make the namespace", objects=[gpu_stack.namespace(NAMESPACE)], until=PHASE)
    keys = [image.key for image in gpu_needs.images(cluster) if image.key.startswith("nvidia-")]
    images = gpu_images.nvidia({key: charts.image(key) for key in keys})
    wanted = gpu_images.pinned(values(cluster), images)
    release = Release(RELEASE, NAMESPACE, chart.path, chart.locked.sha256, wanted)
    helm.released(name="Install the GPU operator", release=release)
    kube.rolled_out(
        name="Wait for the operator",
        namespace=NAMESPACE,
        workloads=["deployment/gpu-operator"],
        until=PHASE,
    )


def values(cluster: Cluster) -> dict[str, Any]:
    """Return the chart's values.

    containerd's own configuration stays as it is: the toolkit hands GPUs over through CDI and NRI, which
    containerd 2 has on by itself, instead of writing a runtime into it.
    """
    nodes = _nodes(cluster)
    by_claim = nodes[0].allocation is Allocation.DRA
    operator = cluster.gpu.nvidia.driver is DriverSource.OPERATOR
    chosen: dict[str, Any] = {
        "nfd": {"enabled": False, "nodefeaturerules": False},
        "clusterPolicy": {"deployCR": not by_claim},
        "gpuCluster": {"deployCR": by_claim},
        # compute domains are for NVLink between machines
        "draDriver": {"computeDomains": {"enabled": False}},
        # a GPUCluster has no driver of its own (templates/validations.yaml)
        "driver": {"enabled": operator, "nvidiaDriverCRD": {"enabled": operator and by_claim}},
        "cdi": {"enabled": True, "nriPluginEnabled": not by_claim},
        "toolkit": _toolkit(cluster),
        # the chart's own let its pods onto no node that the inventory taints for GPUs
        "daemonsets": {"tolerations": gpu_stack.EVERYWHERE},
        "mig": {"strategy": cluster.gpu.nvidia.mig_strategy.value},
        "migManager": {"enabled": any(gpus.partitioning for gpus in nodes)},
        "dcgmExporter": {
            "enabled": cluster.gpu.nvidia.monitoring,
            # wants Prometheus' own kinds, which may not be there
            "serviceMonitor": {"enabled": False},
        },
    }
    if not by_claim and (shared := _sharing(nodes)):
        chosen["devicePlugin"] = {
            "config": {"create": True, "name": CONFIG_MAP, "default": "whole", "data": shared}
        }
    return chosen


def _toolkit(cluster: Cluster) -> dict[str, Any]:
    if not cluster.is_k3s:
        return {"enabled": True}
    return {
        "enabled": True,
        "env": [{"name": name, "value": value} for name, value in K3S_TOOLKIT.items()],
    }


def _nodes(cluster: Cluster) -> list[Gpus]:
    return [gpus for _, gpus in cluster.declared_gpus(Vendor.NVIDIA)]


def _sharing(nodes: list[Gpus]) -> dict[str, str]:
    """Return the device plugin's configurations by name; a node chooses its own by a label."""
    named = {name: gpus for gpus in nodes if (name := _shared_name(gpus))}
    if not named:
        return {}
    return {
        "whole": yaml.safe_dump({"version": "v1"}),
        **{name: yaml.safe_dump(_shared(gpus), sort_keys=False) for name, gpus in named.items()},
    }


def _shared_name(gpus: Gpus) -> str | None:
    return f"{gpus.sharing.strategy}-{gpus.sharing.replicas}" if gpus.sharing else None


def _shared(gpus: Gpus) -> dict[str, Any]:
    """Return one configuration: time-slicing and MPS are two different things to the plugin."""
    if gpus.sharing is None:
        return {"version": "v1"}
    resource = {"name": "nvidia.com/gpu", "replicas": gpus.sharing.replicas}
    if gpus.sharing.strategy is SharingStrategy.MPS:
        return {"version": "v1", "sharing": {"mps": {"renameByDefault": False, "resources": [resource]}}}
    # two shares may be of one GPU, so nobody gets two
    slicing = {"renameByDefault": False, "failRequestsGreaterThanOne": True, "resources": [resource]}
    return {"version": "v1", "sharing": {"timeSlicing": slicing}}


def labels(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return the labels by which nodes choose their sharing and their MIG layout.

    Where the MIG manager runs for some nodes, the others say that their cards are whole: the operator would
    (NVIDIA/gpu-operator a22dbf6 controllers/nodelabeling_controller.go), and cut ones become whole by it.
    """
    found: dict[str, dict[str, str]] = {}
    cut = any(gpus.partitioning and gpus.partitioning.mig for gpus in _nodes(cluster))
    for node, gpus in cluster.declared_gpus(Vendor.NVIDIA):
        own = {}
        if name := _shared_name(gpus):
            own[PLUGIN_LABEL] = name
        if cut:
            own[MIG_LABEL] = (gpus.partitioning and gpus.partitioning.mig) or WHOLE
        if own:
            found[node.name] = own
    return found
