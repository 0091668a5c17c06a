"""Node Feature Discovery, once for all that ask for its labels."""

from __future__ import annotations

from typing import Any

from pyinfra.api import deploy

from deploy import context
from deploy.operations import helm, kube
from deploy.steps import charts, gpu_stack

NAMESPACE = "node-feature-discovery"
RELEASE = "node-feature-discovery"
PHASE = "node-features"
# network, display and accelerator cards, labelled by vendor alone: what the operators' selectors read
# (NVIDIA/gpu-operator values.yaml, node-feature-discovery.worker.config; Instinct cards are class 12)
CLASSES = ["02", "03", "0b40", "12"]


@deploy("Node features")
def nfd() -> None:
    """Label nodes by the hardware that is found on them."""
    if not context.speaks():
        return
    chart = gpu_stack.registry_chart(RELEASE)
    kube.applied(name="Make the namespace", objects=[gpu_stack.namespace(NAMESPACE)], until=PHASE)
    wanted = {**values(), "image": charts.image(RELEASE)}
    release = gpu_stack.release(RELEASE, NAMESPACE, chart, wanted)
    helm.released(name="Install Node Feature Discovery", release=release)
    kube.rolled_out(
        name="Wait for its pods",
        namespace=NAMESPACE,
        workloads=["deployment/node-feature-discovery-master", "daemonset/node-feature-discovery-worker"],
        until=PHASE,
    )


def values() -> dict[str, Any]:
    """Return the chart's values."""
    pci = {"deviceClassWhitelist": CLASSES, "deviceLabelFields": ["vendor"]}
    return {
        "worker": {"config": {"sources": {"pci": pci}}, "tolerations": gpu_stack.EVERYWHERE},
        "master": {"config": {"extraLabelNs": ["nvidia.com"]}},
    }
