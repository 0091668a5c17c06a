"""The inventory, typed."""

from deploy.model.cluster import (
    Artifacts,
    Cluster,
    Host,
    Ignore,
    LoadBalancer,
    Node,
    Taint,
)
from deploy.model.gpu import Gpu, Gpus, NvidiaStack, Partitioning, Sharing, Stack
from deploy.model.k3s import Datastore, FlannelBackend, K3s, Packaged
from deploy.model.kubernetes import Containerd, Kubernetes, Limits, Reserved
from deploy.model.load import load_cluster
from deploy.model.ranges import AddressRange
from deploy.model.ssh import NodeSsh, Ssh
from deploy.model.values import (
    Allocation,
    Change,
    Cni,
    ComputePartition,
    Distribution,
    DriverSource,
    KernelModule,
    MemoryPartition,
    MigStrategy,
    ProxyMode,
    Role,
    SharingStrategy,
    TaintEffect,
    TimeSync,
    Vendor,
)

__all__ = [
    "AddressRange",
    "Allocation",
    "Artifacts",
    "Change",
    "Cluster",
    "Cni",
    "ComputePartition",
    "Containerd",
    "Datastore",
    "Distribution",
    "DriverSource",
    "FlannelBackend",
    "Gpu",
    "Gpus",
    "Host",
    "Ignore",
    "K3s",
    "KernelModule",
    "Kubernetes",
    "Limits",
    "LoadBalancer",
    "MemoryPartition",
    "MigStrategy",
    "Node",
    "NodeSsh",
    "NvidiaStack",
    "Packaged",
    "Partitioning",
    "ProxyMode",
    "Reserved",
    "Role",
    "Sharing",
    "SharingStrategy",
    "Ssh",
    "Stack",
    "Taint",
    "TaintEffect",
    "TimeSync",
    "Vendor",
    "load_cluster",
]
