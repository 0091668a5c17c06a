"""The objects by which the vendors' operators say how they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deploy.model import Allocation, Cluster, Vendor


@dataclass(frozen=True, slots=True)
class Operand:
    """A kind of object that an operator serves, and reports in."""

    api_version: str
    kind: str
    plural: str


AMD = Operand("amd.com/v1alpha1", "DeviceConfig", "deviceconfigs")
# NVIDIA's operator takes one of the two
BY_NUMBER = Operand("nvidia.com/v1", "ClusterPolicy", "clusterpolicies")
BY_CLAIM = Operand("nvidia.com/v1alpha1", "GPUCluster", "gpuclusters")


def operated(cluster: Cluster) -> Iterator[tuple[Vendor, Operand]]:
    """Yield the operators that a cluster has; where a manifest takes the place of a chart there is none."""
    for vendor in (Vendor.AMD, Vendor.NVIDIA):
        ways = {node.gpus.allocation for node in cluster.gpu_nodes(vendor) if node.gpus}
        if not ways or cluster.gpu.stack(vendor).manifest is not None:
            continue
        if vendor is Vendor.AMD:
            yield vendor, AMD
        else:
            yield vendor, BY_CLAIM if Allocation.DRA in ways else BY_NUMBER
