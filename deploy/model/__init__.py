"""The inventory, typed."""

from deploy.model.cluster import (
    Artifacts,
    Cluster,
    Containerd,
    Gpus,
    Host,
    Kubernetes,
    LoadBalancer,
    Node,
    Ssh,
    Taint,
)
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
    "Allocation",
    "Artifacts",
    "Change",
    "Cluster",
    "Cni",
    "Containerd",
    "Distribution",
    "Gpus",
    "Host",
    "Kubernetes",
    "LoadBalancer",
    "Node",
    "ProxyMode",
    "Role",
    "Ssh",
    "Taint",
    "TaintEffect",
    "TimeSync",
    "Vendor",
]
