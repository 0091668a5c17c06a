"""The objects by which the vendors' operators say how they are."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.catalog import gpu_needs
from deploy.model import Allocation, Cluster, Vendor


@dataclass(frozen=True, slots=True)
class Operand:
    """A kind of object that an operator serves, and reports in."""

    api_version: str
    kind: str
    plural: str


DEVICE_CONFIG = Operand("amd.com/v1alpha1", "DeviceConfig", "deviceconfigs")
# NVIDIA's operator takes one of its two
OPERANDS = {
    (Vendor.AMD, Allocation.DRA): DEVICE_CONFIG,
    (Vendor.AMD, Allocation.DEVICE_PLUGIN): DEVICE_CONFIG,
    (Vendor.NVIDIA, Allocation.DRA): Operand("nvidia.com/v1alpha1", "GPUCluster", "gpuclusters"),
    (Vendor.NVIDIA, Allocation.DEVICE_PLUGIN): Operand("nvidia.com/v1", "ClusterPolicy", "clusterpolicies"),
}


def operated(cluster: Cluster) -> list[tuple[Vendor, Operand]]:
    """Return what each operator of a cluster was given; a vendor's nodes all use one way."""
    return [(each[0], OPERANDS[each]) for each in gpu_needs.stacks(cluster) if each in OPERANDS]
