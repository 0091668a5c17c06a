"""What runs the pods: Kubernetes and its container runtime."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated

from pydantic import Field, JsonValue

from deploy.model.forms import VERSION, Address, Limit, Network, Quantity, Switch
from deploy.model.k3s import K3s
from deploy.model.section import Section, setting
from deploy.model.values import Change, Cni, Distribution, ProxyMode

NEW_CLUSTER = "make a new cluster and move the workloads there"


class Reserved(Section):
    """What a node keeps for the system and for Kubernetes itself (KubeletConfiguration)."""

    cpu: Quantity = setting(Change.ROLLING, "CPU kept from pods.", default="100m")
    memory: Quantity = setting(Change.ROLLING, "Memory kept from pods.", default="256Mi")
    ephemeral_storage: Quantity = setting(Change.ROLLING, "Disk kept from pods.", default="1Gi")


class Kubernetes(Section):
    """The cluster's Kubernetes."""

    distribution: Distribution = setting(
        Change.IMMUTABLE,
        "What makes a cluster of the hosts.",
        instead=NEW_CLUSTER,
        default=Distribution.KUBEADM,
    )
    version: Annotated[str, Field(pattern=VERSION)] = setting(
        Change.ROLLING, "The version of Kubernetes; k3s' own carry +k3sN.", default="v1.36.3"
    )
    prerelease: Switch = setting(
        Change.LIVE, "Whether the version may be a pre-release, which nobody supports.", default=False
    )
    pod_cidr: Network = setting(
        Change.IMMUTABLE,
        "The addresses of pods; every node gets a /24 of it.",
        instead=NEW_CLUSTER,
        default=IPv4Network("10.42.0.0/16"),
    )
    service_cidr: Network = setting(
        Change.IMMUTABLE,
        "The virtual addresses of Services.",
        instead=NEW_CLUSTER,
        default=IPv4Network("10.43.0.0/16"),
    )
    cni: Cni = setting(
        Change.IMMUTABLE, "What gives pods a network.", instead=NEW_CLUSTER, default=Cni.FLANNEL
    )
    endpoint: Address | None = setting(
        Change.IMMUTABLE,
        "The address of the API server; a free one, held by the control planes, when there are several.",
        instead=NEW_CLUSTER,
        default=None,
    )
    proxy_mode: ProxyMode = setting(
        Change.ROLLING, "How kube-proxy writes its rules.", default=ProxyMode.NFTABLES
    )
    reserved: Reserved = setting(Change.ROLLING, "What every node keeps from pods.", default=Reserved())
    kubelet: dict[str, JsonValue] = setting(
        Change.ROLLING, "More of KubeletConfiguration (kubelet.config.k8s.io/v1beta1).", default_factory=dict
    )
    kube_proxy: dict[str, JsonValue] = setting(
        Change.ROLLING,
        "More of KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1).",
        default_factory=dict,
    )
    feature_gates: dict[str, Switch] = setting(
        Change.ROLLING, "Feature gates that differ from the version's defaults.", default_factory=dict
    )
    k3s: K3s = setting(Change.ROLLING, "What is k3s' own.", default=K3s())
    ignore_preflight: tuple[str, ...] = setting(
        Change.LIVE, "kubeadm's own preflight checks whose errors are only warnings here.", default=()
    )


class Limits(Section):
    """The limits of containerd's unit; upstream's are infinity, a host in a container may have less."""

    nofile: Limit = setting(Change.ROLLING, "LimitNOFILE of the unit.", default="infinity")
    nproc: Limit = setting(Change.ROLLING, "LimitNPROC of the unit.", default="infinity")


class Containerd(Section):
    """The container runtime of kubeadm clusters."""

    limits: Limits = setting(Change.ROLLING, "The limits of containerd's unit.", default=Limits())
    restrict_oom_score_adj: Switch = setting(
        Change.ROLLING, "For hosts that may not lower a process' oom_score_adj.", default=False
    )
