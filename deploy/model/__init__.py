"""The inventory, typed."""

from deploy.model.cluster import (
    Artifacts,
    Cluster,
    Gpus,
    Host,
    Ignore,
    LoadBalancer,
    Node,
    Taint,
)
from deploy.model.k3s import Datastore, FlannelBackend, K3s, Packaged
from deploy.model.kubernetes import Containerd, Kubernetes, Limits, Reserved
from deploy.model.load import load_cluster
from deploy.model.ranges import AddressRange
from deploy.model.ssh import NodeSsh, Ssh
from deploy.model.values import (
    Allocation,
    Change,
    Cni,
    Distribution,
    ProxyMode,
    Role,
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
    "Containerd",
    "Datastore",
    "Distribution",
    "FlannelBackend",
    "Gpus",
    "Host",
    "Ignore",
    "K3s",
    "Kubernetes",
    "Limits",
    "LoadBalancer",
    "Node",
    "NodeSsh",
    "Packaged",
    "ProxyMode",
    "Reserved",
    "Role",
    "Ssh",
    "Taint",
    "TaintEffect",
    "TimeSync",
    "Vendor",
    "load_cluster",
]
