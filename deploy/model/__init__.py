"""The inventory, typed."""

from deploy.model.certificates import CertificateProvider, Certificates
from deploy.model.cluster import (
    Accepted,
    Artifacts,
    Cluster,
    DriftIgnore,
    Host,
    Ignore,
    LoadBalancer,
    Node,
    Taint,
)
from deploy.model.gpu import AmdStack, Gpu, Gpus, NvidiaStack, Partitioning, Sharing, Stack
from deploy.model.k3s import Datastore, FlannelBackend, K3s, Packaged
from deploy.model.kubernetes import Containerd, Kubernetes, Limits, Reserved
from deploy.model.load import load_cluster
from deploy.model.object_store import Credentials, ObjectStore, StoreProvider
from deploy.model.placement import Placement, Toleration
from deploy.model.ranges import AddressRange
from deploy.model.registry import Registry, RegistryExpose, RegistryProvider, RegistryStorage
from deploy.model.secret import SecretRef
from deploy.model.ssh import NodeSsh, Ssh
from deploy.model.storage import LocalVolume, NfsVolume, Storage
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
    "Accepted",
    "AddressRange",
    "Allocation",
    "AmdStack",
    "Artifacts",
    "CertificateProvider",
    "Certificates",
    "Change",
    "Cluster",
    "Cni",
    "ComputePartition",
    "Containerd",
    "Credentials",
    "Datastore",
    "Distribution",
    "DriftIgnore",
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
    "LocalVolume",
    "MemoryPartition",
    "MigStrategy",
    "NfsVolume",
    "Node",
    "NodeSsh",
    "NvidiaStack",
    "ObjectStore",
    "Packaged",
    "Partitioning",
    "Placement",
    "ProxyMode",
    "Registry",
    "RegistryExpose",
    "RegistryProvider",
    "RegistryStorage",
    "Reserved",
    "Role",
    "SecretRef",
    "Sharing",
    "SharingStrategy",
    "Ssh",
    "Stack",
    "Storage",
    "StoreProvider",
    "Taint",
    "TaintEffect",
    "TimeSync",
    "Toleration",
    "Vendor",
    "load_cluster",
]
