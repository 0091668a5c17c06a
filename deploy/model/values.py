"""The closed words and small values that an inventory is written in."""

from __future__ import annotations

from enum import StrEnum


class Change(StrEnum):
    """What changing a key of a living cluster's inventory means."""

    IMMUTABLE = "immutable"
    ROLLING = "rolling"
    LIVE = "live"


class Distribution(StrEnum):
    """What makes a cluster of the hosts."""

    KUBEADM = "kubeadm"
    K3S = "k3s"


class Role(StrEnum):
    """What a node is for."""

    CONTROL_PLANE = "control-plane"
    WORKER = "worker"


class Cni(StrEnum):
    """The pod networks that can be declared; only flannel is installed so far."""

    FLANNEL = "flannel"


class ProxyMode(StrEnum):
    """How kube-proxy writes its rules; ipvs is deprecated upstream since 1.35."""

    IPTABLES = "iptables"
    NFTABLES = "nftables"
    IPVS = "ipvs"


class TimeSync(StrEnum):
    """Who keeps the clock of a node."""

    CHRONY = "chrony"
    TIMESYNCD = "timesyncd"
    NONE = "none"


class TaintEffect(StrEnum):
    """What a taint does to pods that do not tolerate it."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class Vendor(StrEnum):
    """Who made a GPU."""

    INTEL = "intel"
    AMD = "amd"
    NVIDIA = "nvidia"


class Allocation(StrEnum):
    """How pods get a node's GPUs; never both on one node."""

    DRA = "dra"
    DEVICE_PLUGIN = "device-plugin"
