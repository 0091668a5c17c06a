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


class KernelModule(StrEnum):
    """The kernel modules that drive GPUs."""

    I915 = "i915"
    XE = "xe"
    AMDGPU = "amdgpu"
    NVIDIA = "nvidia"


class DriverSource(StrEnum):
    """Who brings a GPU's kernel driver."""

    HOST = "host"
    PACKAGES = "packages"
    OPERATOR = "operator"


class SharingStrategy(StrEnum):
    """How a device plugin gives one GPU to several pods."""

    TIME_SLICING = "time-slicing"
    MPS = "mps"
    SHARED = "shared"


class MigStrategy(StrEnum):
    """How the parts of a MIG layout are offered to pods."""

    SINGLE = "single"
    MIXED = "mixed"


class ComputePartition(StrEnum):
    """How an AMD Instinct card's compute units are cut: into 1, 2, 4, or one part per die."""

    SPX = "SPX"
    DPX = "DPX"
    QPX = "QPX"
    CPX = "CPX"


class MemoryPartition(StrEnum):
    """How an AMD Instinct card's memory is cut."""

    NPS1 = "NPS1"
    NPS2 = "NPS2"
    NPS4 = "NPS4"
    NPS8 = "NPS8"
