"""Intel's GPUs: the resource driver where pods claim them, the device plugin where they ask by number."""

from __future__ import annotations

from typing import Any

from pyinfra.api import deploy

from deploy import context
from deploy.model import Allocation, Cluster, Vendor
from deploy.model.labels import OWNED
from deploy.observe.cards import cards
from deploy.operations import helm, kube
from deploy.operations.helm import Release
from deploy.steps import charts, gpu_images, gpu_stack

DRIVER = "intel-gpu-resource-driver"
PLUGINS = "intel-device-plugins"
OPERATOR = "intel-device-plugins-operator"
ADMIN_ACCESS = {"resource.kubernetes.io/admin-access": "true"}
PHASE = "gpu-intel"


@deploy("Intel GPUs")
def intel() -> None:
    """Give Intel's GPUs away, node by node in the declared way; the way that is left goes first."""
    cluster = context.cluster()
    if not context.speaks():
        return
    # by its label a node is taken up by the other way's pods at once, where that serves other nodes already
    gpu_stack.handed_over(cluster, Vendor.INTEL)
    gpu_stack.labelled(cluster, Vendor.INTEL)
    declared = {gpus.allocation for _, gpus in cluster.declared_gpus(Vendor.INTEL)}
    if cluster.gpu.intel.manifest is None:
        _leave(declared)
    if not gpu_stack.from_manifest(cluster, Vendor.INTEL, PHASE):
        gpu_stack.check_lock(cluster)
        if Allocation.DRA in declared:
            _driver(cluster)
        if Allocation.DEVICE_PLUGIN in declared:
            _plugin(cluster)
    gpu_stack.offered(cluster, Vendor.INTEL, PHASE, DRIVER, PLUGINS)


def _leave(declared: set[Allocation]) -> None:
    """Remove the stack that no node is declared to use any more."""
    if Allocation.DRA not in declared:
        helm.uninstalled(name="Remove the resource driver", release=DRIVER, namespace=DRIVER)
    if Allocation.DEVICE_PLUGIN not in declared:
        kube.gone(name="Remove the device plugin", objects=[_named()])
        helm.uninstalled(name="Remove its operator", release=OPERATOR, namespace=PLUGINS)


def _driver(cluster: Cluster) -> None:
    monitoring = cluster.gpu.intel.monitoring
    chart = gpu_stack.registry_chart(DRIVER)
    home = gpu_stack.namespace(DRIVER, **(ADMIN_ACCESS if monitoring else {}))
    kube.applied(name="Make the driver's namespace", objects=[home], until=PHASE)
    values = gpu_images.pinned(
        driver_values(cluster), gpu_images.intel_driver(charts.image("intel-gpu-driver"))
    )
    release = gpu_stack.release(DRIVER, DRIVER, chart, values)
    helm.released(name="Install the resource driver", release=release)


def _plugin(cluster: Cluster) -> None:
    chart = charts.fetched(f"{OPERATOR}-chart")
    kube.applied(name="Make the plugin's namespace", objects=[gpu_stack.namespace(PLUGINS)], until=PHASE)
    image = gpu_images.intel_operator(charts.image("intel-plugin-operator"))
    values = gpu_images.pinned(operator_values(), image)
    release = Release(OPERATOR, PLUGINS, chart.path, chart.locked.sha256, values)
    helm.released(name="Install the device plugin operator", release=release)
    kube.rolled_out(
        name="Wait for its webhook",
        namespace=PLUGINS,
        workloads=["deployment/inteldeviceplugins-controller-manager"],
        until=PHASE,
    )
    wanted = plugin(cluster, gpu_images.intel_plugin(charts.image("intel-gpu-plugin")))
    kube.applied(name="Run the device plugin", objects=[wanted], until=PHASE, patience=120)


def driver_values(cluster: Cluster) -> dict[str, Any]:
    """Return the values of the resource driver's chart.

    Its defaults do not work alone: with health monitoring and without xpumd the driver ends after five
    minutes, and without either xpumd or privilege every card has 0 bytes of memory, so that no claim by
    memory is met (charts/intel-gpu-resource-driver README.md, values.yaml). No card is moved to vfio here.
    """
    monitoring = cluster.gpu.intel.monitoring
    return {
        "kubeletPlugin": {
            "healthMonitoring": {"enabled": monitoring},
            "privileged": not monitoring,
            "manageBinding": {"enabled": False},
            "nodeSelector": gpu_stack.selector(Vendor.INTEL, Allocation.DRA),
            "tolerations": gpu_stack.EVERYWHERE,
        },
        "xpumdEnabled": monitoring,
        "nfd": {"enabled": False},
        "nodeFeatureRules": {"enabled": False},
    }


def operator_values() -> dict[str, Any]:
    """Return the values of the operator's chart: it manages GPUs alone."""
    return {"manager": {"devices": {"gpu": True}}, "tolerations": gpu_stack.EVERYWHERE}


def _named() -> dict[str, Any]:
    return {
        "apiVersion": "deviceplugin.intel.com/v1",
        "kind": "GpuDevicePlugin",
        "metadata": {"name": "slipway", "labels": dict(OWNED)},
    }


def plugin(cluster: Cluster, image: str) -> dict[str, Any]:
    """Return the device plugin: cards of the declared models alone, so never a processor's own graphics."""
    declared = [
        gpus for _, gpus in cluster.declared_gpus(Vendor.INTEL) if gpus.allocation is Allocation.DEVICE_PLUGIN
    ]
    models = {gpus.model for gpus in declared}
    ids = sorted(
        device
        for (_, device), card in cards().items()
        if card.vendor is Vendor.INTEL and card.model in models
    )
    shared = next((gpus.sharing.replicas for gpus in declared if gpus.sharing), 1)
    spec: dict[str, Any] = {
        "image": image,
        "sharedDevNum": shared,
        "nodeSelector": gpu_stack.selector(Vendor.INTEL, Allocation.DEVICE_PLUGIN),
        "tolerations": gpu_stack.EVERYWHERE,
        "allowIDs": ",".join(f"0x{each}" for each in ids),
    }
    if shared > 1:
        spec["preferredAllocationPolicy"] = "balanced"
    return {**_named(), "spec": spec}
