"""The inventory, typed: one `Cluster` is all that the rest of the tool knows of an operator's wishes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

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

DNS_LABEL = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
VERSION = r"^v\d+\.\d+\.\d+(\+k3s\d+)?$"


def setting(change: Change, **kwargs: Any) -> Any:
    """Declare a key of the inventory together with what changing it later means."""
    return Field(json_schema_extra={"change": change.value}, **kwargs)


class Section(BaseModel):
    """A part of the inventory: frozen, and an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ssh(Section):
    """How the hosts are reached; a node may differ from the cluster."""

    user: str = setting(Change.LIVE, default="root")
    port: int = setting(Change.LIVE, default=22, ge=1, le=65535)
    key: Path | None = setting(Change.LIVE, default=None)
    become: bool = setting(Change.LIVE, default=True)
    jump: str | None = setting(Change.LIVE, default=None)


class Taint(Section):
    """A node's taint."""

    key: str
    value: str = ""
    effect: TaintEffect


class Gpus(Section):
    """The GPUs that a node is declared to have."""

    vendor: Vendor
    model: str
    count: int = Field(ge=1, le=64)
    allocation: Allocation = Allocation.DRA


class Node(Section):
    """One host."""

    name: str = setting(Change.IMMUTABLE, pattern=DNS_LABEL)
    address: IPv4Address = setting(Change.IMMUTABLE)
    roles: tuple[Role, ...] = setting(Change.IMMUTABLE, min_length=1)
    ssh: Ssh | None = setting(Change.LIVE, default=None)
    labels: dict[str, str] = setting(Change.LIVE, default_factory=dict)
    taints: tuple[Taint, ...] | None = setting(Change.LIVE, default=None)
    gpus: Gpus | None = setting(Change.ROLLING, default=None)

    @property
    def is_control_plane(self) -> bool:
        """Say whether this node runs the API server."""
        return Role.CONTROL_PLANE in self.roles


class Reserved(Section):
    """What a node keeps for the system and for Kubernetes itself (KubeletConfiguration)."""

    cpu: str = "100m"
    memory: str = "256Mi"
    ephemeral_storage: str = "1Gi"


class Kubernetes(Section):
    """The cluster's Kubernetes."""

    distribution: Distribution = setting(Change.IMMUTABLE, default=Distribution.KUBEADM)
    version: str = setting(Change.ROLLING, default="v1.36.3", pattern=VERSION)
    pod_cidr: IPv4Network = setting(Change.IMMUTABLE, default=IPv4Network("10.42.0.0/16"))
    service_cidr: IPv4Network = setting(Change.IMMUTABLE, default=IPv4Network("10.43.0.0/16"))
    cni: Cni = setting(Change.IMMUTABLE, default=Cni.FLANNEL)
    endpoint: IPv4Address | None = setting(Change.IMMUTABLE, default=None)
    proxy_mode: ProxyMode = setting(Change.ROLLING, default=ProxyMode.NFTABLES)
    reserved: Reserved = setting(Change.ROLLING, default=Reserved())
    kubelet: dict[str, JsonValue] = setting(Change.ROLLING, default_factory=dict)
    kube_proxy: dict[str, JsonValue] = setting(Change.ROLLING, default_factory=dict)
    feature_gates: dict[str, bool] = setting(Change.ROLLING, default_factory=dict)
    ignore_preflight: tuple[str, ...] = setting(Change.LIVE, default=())


class Limits(Section):
    """The limits of containerd's unit; upstream's are infinity, a host in a container may have less."""

    nofile: str = "infinity"
    nproc: str = "infinity"


class Containerd(Section):
    """The container runtime of kubeadm clusters."""

    limits: Limits = setting(Change.ROLLING, default=Limits())
    restrict_oom_score_adj: bool = setting(Change.ROLLING, default=False)


class Artifacts(Section):
    """Where files and images come from: upstream, or a mirror that serves both."""

    mirror: str | None = setting(Change.LIVE, default=None, pattern=r"^https?://[^/\s]+$")
    registry_mirror: str | None = setting(Change.LIVE, default=None, pattern=r"^https?://[^/\s]+$")


class Host(Section):
    """How every host is prepared."""

    time: TimeSync = setting(Change.LIVE, default=TimeSync.CHRONY)
    journal_max: str = setting(Change.LIVE, default="1G")
    sysctls: dict[str, int | str] = setting(Change.LIVE, default_factory=dict)


class LoadBalancer(Section):
    """MetalLB in L2 mode: the addresses that it may give away, and where it announces them."""

    provider: Annotated[str, Field(pattern="^metallb$")] = setting(Change.IMMUTABLE, default="metallb")
    pool: tuple[str, ...] = setting(Change.LIVE, min_length=1)
    interfaces: tuple[str, ...] = setting(Change.LIVE, default=())
    outside_subnet: bool = setting(Change.LIVE, default=False)


class Cluster(Section):
    """One inventory file."""

    name: str = setting(Change.IMMUTABLE, pattern=DNS_LABEL)
    kubernetes: Kubernetes = Kubernetes()
    ssh: Ssh = Ssh()
    artifacts: Artifacts = Artifacts()
    host: Host = Host()
    containerd: Containerd = Containerd()
    nodes: tuple[Node, ...] = Field(min_length=1)
    load_balancer: LoadBalancer | None = setting(Change.LIVE, default=None)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        return self

    @property
    def control_planes(self) -> tuple[Node, ...]:
        """The nodes that run the API server, in the inventory's order: the first is initialised first."""
        return tuple(node for node in self.nodes if node.is_control_plane)

    @property
    def workers(self) -> tuple[Node, ...]:
        """The nodes that only run pods."""
        return tuple(node for node in self.nodes if not node.is_control_plane)

    @property
    def endpoint(self) -> IPv4Address:
        """The address under which every node reaches the API server."""
        return self.kubernetes.endpoint or self.control_planes[0].address

    def node(self, name: str) -> Node:
        """Return the node of that name."""
        return next(node for node in self.nodes if node.name == name)

    def ssh_of(self, node: Node) -> Ssh:
        """Return how a node is reached."""
        return node.ssh or self.ssh
