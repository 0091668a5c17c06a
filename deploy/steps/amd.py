"""AMD's GPUs: the GPU operator, with its one DeviceConfig made of the chart's values."""

from __future__ import annotations

import json
from typing import Any

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.catalog import gpu_needs
from deploy.gpu.wiring import vendor_label
from deploy.model import Cluster, DriverSource, Gpus, Vendor
from deploy.operations import gpu_parts, helm, kube
from deploy.operations.helm import Release
from deploy.steps import charts, gpu_images, gpu_stack

NAMESPACE = "kube-amd-gpu"
RELEASE = "amd-gpu-operator"
PHASE = "gpu-amd"
PROFILE_LABEL = gpu_parts.PROFILE
CONFIG_MAP = "default-dcm-config"


@deploy("AMD GPUs")
def amd() -> None:
    """Install the operator; it runs the device plugin or the DRA driver, never both."""
    gpu_stack.by_operator(Vendor.AMD, PHASE, NAMESPACE, _own, _operator)


def _own(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return what nodes are labelled with at once: a profile is set while nothing uses the cards."""
    return profiles(cluster) if cluster.gpu.amd.manifest else {}


def _operator(cluster: Cluster) -> None:
    chart = charts.fetched(f"{RELEASE}-chart")
    locked = catalog.lock.load(context.lock_path())
    pinned = {
        image.key: locked.image(image.key).pinned
        for image in gpu_needs.images(cluster)
        if image.key.startswith("amd-")
    }
    kube.applied(name="Make the namespace", objects=[gpu_stack.namespace(NAMESPACE)], until=PHASE)
    own = gpu_images.amd_operator(charts.image("amd-operator"))
    wanted = gpu_images.pinned(values(cluster, pinned), own)
    release = Release(RELEASE, NAMESPACE, chart.path, chart.locked.sha256, wanted)
    helm.released(name="Install the GPU operator", release=release)
    kube.rolled_out(
        name="Wait for the operator",
        namespace=NAMESPACE,
        workloads=["deployment/amd-gpu-operator-gpu-operator-charts-controller-manager"],
        until=PHASE,
    )
    if cuts := {node: labels[PROFILE_LABEL] for node, labels in profiles(cluster).items()}:
        holding = gpu_stack.holding(cluster, Vendor.AMD)
        gpu_parts.cut(
            name="Cut the cards",
            profiles=cuts,
            holding=holding,
            # for the config manager, and then for the cut
            _timeout=2 * gpu_parts.PATIENCE * len(cuts) + holding.seconds,
        )


def values(cluster: Cluster, images: dict[str, str]) -> dict[str, Any]:
    """Return the chart's values; `images` are pinned references by their keys in the lock file.

    The chart makes a DeviceConfig called default of `deviceConfig.spec`: a second one over the same nodes
    would be in conflict with it. Upgrades keep it up to date, which the chart by itself does not do.
    """
    operator = cluster.gpu.amd.driver is DriverSource.OPERATOR
    found = gpu_needs.discovered(cluster, Vendor.AMD)
    chosen: dict[str, Any] = {
        "node-feature-discovery": {"enabled": False},
        "installdefaultNFDRule": found,
        "kmm": {"enabled": operator, "watch": operator},
        "remediation": {"enabled": False, "installCRDs": False},
        "crds": {"defaultCR": {"install": True, "upgrade": True}},
        "deviceConfig": {"spec": _spec(cluster, images)},
    }
    if cuts := _cuts(cluster):
        chosen["defaultDCMConfigMap"] = {
            "install": True,
            "name": CONFIG_MAP,
            "data": {"config.json": json.dumps(_profiles(cuts), sort_keys=True)},
        }
    return chosen


def _spec(cluster: Cluster, images: dict[str, str]) -> dict[str, Any]:
    by_claim = bool(cluster.claimed_gpus(Vendor.AMD))
    tolerated = _tolerated(cluster)
    plugin: dict[str, Any] = {"enableDevicePlugin": not by_claim}
    dra: dict[str, Any] = {"enable": by_claim}
    if by_claim:
        dra |= {"image": images["amd-dra-driver"], "tolerations": tolerated}
    else:
        plugin |= {
            "devicePluginImage": images["amd-device-plugin"],
            # a node's cards are cut alike; mixed would rename whole ones, too (ROCm/k8s-device-plugin
            # docs/user-guide/configuration.md)
            "devicePluginArguments": {"resource_naming_strategy": "single"},
            "devicePluginTolerations": tolerated,
        }
    labeller = images.get("amd-node-labeller")
    plugin["enableNodeLabeller"] = labeller is not None
    if labeller:
        plugin |= {"nodeLabellerImage": labeller, "nodeLabellerTolerations": tolerated}
    return {
        # Node Feature Discovery finds the cards of nodes, too, that do not declare them
        "selector": {gpu_stack.FOUND[Vendor.AMD]: "true", vendor_label(Vendor.AMD): "true"},
        "driver": _driver(cluster),
        "commonConfig": {
            "initContainerImage": images["amd-init"],
            "utilsContainer": {"image": images["amd-utils"]},
        },
        "devicePlugin": plugin,
        "draDriver": dra,
        "metricsExporter": _monitoring(cluster, images),
        "configManager": _config_manager(cluster, images),
    }


def _driver(cluster: Cluster) -> dict[str, Any]:
    """Return who brings amdgpu; with the operator's own, the kernel's must not load."""
    amd = cluster.gpu.amd
    operator = amd.driver is DriverSource.OPERATOR
    chosen: dict[str, Any] = {"enable": operator, "blacklist": operator}
    if operator:
        chosen["tolerations"] = gpu_stack.EVERYWHERE
    if operator and amd.driver_image:
        chosen["image"] = amd.driver_image
        if amd.driver_image_secret:
            chosen["imageRegistrySecret"] = {"name": amd.driver_image_secret}
    return chosen


def _monitoring(cluster: Cluster, images: dict[str, str]) -> dict[str, Any]:
    if not cluster.gpu.amd.monitoring:
        return {"enable": False}
    return {
        "enable": True,
        "image": images["amd-metrics-exporter"],
        "serviceType": "ClusterIP",
        "tolerations": _tolerated(cluster),
    }


def _config_manager(cluster: Cluster, images: dict[str, str]) -> dict[str, Any]:
    if not _cuts(cluster):
        return {"enable": False}
    return {
        "enable": True,
        "image": images["amd-config-manager"],
        "config": {"name": CONFIG_MAP},
        "configManagerTolerations": gpu_stack.EVERYWHERE,
    }


def _tolerated(cluster: Cluster) -> list[dict[str, str]]:
    """Return what the operands tolerate: where cards are cut, not the taint that makes them start anew."""
    return gpu_stack.tolerated(cluster.gpu_nodes(Vendor.AMD)) if _cuts(cluster) else gpu_stack.EVERYWHERE


def _cut(gpus: Gpus) -> str | None:
    cut = gpus.partitioning
    return f"{cut.compute}_{cut.memory}".lower() if cut and cut.compute and cut.memory else None


def _cuts(cluster: Cluster) -> dict[str, Gpus]:
    """Return the partition profiles that nodes are declared to have, by name: cpx_nps4."""
    return {name: gpus for _, gpus in cluster.declared_gpus(Vendor.AMD) if (name := _cut(gpus))}


def profiles(cluster: Cluster) -> dict[str, dict[str, str]]:
    """Return the label by which the config manager cuts a node's cards, by node."""
    return {
        node.name: {PROFILE_LABEL: name}
        for node, gpus in cluster.declared_gpus(Vendor.AMD)
        if (name := _cut(gpus))
    }


def _profiles(cuts: dict[str, Gpus]) -> dict[str, Any]:
    return {
        "gpu-config-profiles": {
            name: {
                "profiles": [
                    {
                        "computePartition": name.split("_")[0].upper(),
                        "memoryPartition": name.split("_")[1].upper(),
                    }
                ]
            }
            for name in cuts
        },
        "gpuClientSystemdServices": {"names": ["amd-metrics-exporter", "gpuagent"]},
    }
