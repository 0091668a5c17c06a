"""Clusters with GPUs, and the values that the vendors' charts are given for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deploy.catalog import gpu_needs
from deploy.model import Cluster
from deploy.steps import amd, cert_manager, intel, nfd, nvidia
from tests.unit.gpu.clusters import ARC, CP, HOPPER, INSTINCT, WORKER, cluster, mixed

WATCHED = {vendor: {"monitoring": True} for vendor in ("intel", "amd", "nvidia")}
PLUGIN = {**ARC, "allocation": "device-plugin", "sharing": {"strategy": "shared", "replicas": 4}}
PLUGIN_IMAGE = f"docker.io/intel/intel-gpu-plugin@sha256:{'0' * 64}"
CUT = {**INSTINCT, "partitioning": {"compute": "CPX", "memory": "NPS4"}}
BY_NUMBER = {**HOPPER, "allocation": "device-plugin"}
SLICED = {**BY_NUMBER, "sharing": {"strategy": "time-slicing", "replicas": 4}}
MPS = {**BY_NUMBER, "sharing": {"strategy": "mps", "replicas": 8}}
MIG = {**BY_NUMBER, "partitioning": {"mig": "all-1g.10gb"}}
BUILT = {"driver_image": "harbor.home.lan/amd/driver", "driver_image_secret": "harbor"}
OPERATED = {"amd": {"driver": "operator", "monitoring": True, **BUILT}}


def pinned(declared: Cluster) -> dict[str, str]:
    return {image.key: f"{image.ref}@sha256:{'0' * 64}" for image in gpu_needs.images(declared)}


def amd_values(*gpus: dict[str, Any], **keys: Any) -> dict[str, Any]:
    declared = cluster(*gpus, **keys)
    return amd.values(declared, pinned(declared))


INTEL_WATCHED = cluster(ARC, gpu={"intel": WATCHED["intel"]})
NVIDIA_SHARED = cluster(SLICED, MPS, MIG, gpu={"nvidia": WATCHED["nvidia"]})
TAINT = {"key": "amd.com/gpu", "effect": "NoSchedule"}
TAINTED = cluster(nodes=[CP, {**WORKER, "gpus": INSTINCT, "taints": [TAINT]}])
VALUES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "intel": ("intel-gpu-resource-driver", intel.driver_values(mixed())),
    "intel watched": ("intel-gpu-resource-driver", intel.driver_values(INTEL_WATCHED)),
    "intel plugin": ("intel-device-plugins-operator", intel.operator_values()),
    "amd plugin": ("amd-gpu-operator", amd_values(INSTINCT)),
    "amd cut": ("amd-gpu-operator", amd_values(CUT, gpu={"amd": WATCHED["amd"]})),
    "amd dra": ("amd-gpu-operator", amd_values({**INSTINCT, "allocation": "dra"})),
    "amd operated": ("amd-gpu-operator", amd_values(INSTINCT, gpu=OPERATED)),
    "nvidia dra": ("nvidia-gpu-operator", nvidia.values(cluster(HOPPER))),
    "nvidia shared": ("nvidia-gpu-operator", nvidia.values(NVIDIA_SHARED)),
    "nvidia k3s": (
        "nvidia-gpu-operator",
        nvidia.values(cluster(BY_NUMBER, version="v1.36.3+k3s1", kubernetes={"distribution": "k3s"})),
    ),
    "node features": ("node-feature-discovery", nfd.values()),
    "cert-manager": ("cert-manager", cert_manager.values(cluster())),
    "cert-manager tainted": ("cert-manager", cert_manager.values(TAINTED)),
}  # fmt: skip
