"""GPUs: what a node is declared to have, and what makes each vendor's usable in the cluster."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from deploy.model.forms import (
    DNS_LABEL,
    GPU_MODEL,
    IMAGE_REPOSITORY,
    MANIFEST,
    MIG_LAYOUT,
    PACKAGE,
    RELEASE,
    Switch,
)
from deploy.model.section import Section, setting
from deploy.model.values import (
    Allocation,
    Change,
    ComputePartition,
    DriverSource,
    KernelModule,
    MemoryPartition,
    MigStrategy,
    SharingStrategy,
    Vendor,
)


class Sharing(Section):
    """One GPU for several pods, by the device plugin; with DRA, claims are shared instead."""

    strategy: SharingStrategy = setting(
        Change.ROLLING,
        "time-slicing: in turns, without memory limits (NVIDIA); mps: at once, with memory limits (NVIDIA);"
        " shared: no isolation (Intel).",
    )
    replicas: Annotated[int, Field(strict=True, ge=2, le=48)] = setting(
        Change.ROLLING, "How many pods share one GPU."
    )


class Partitioning(Section):
    """One GPU cut into several by its hardware."""

    mig: Annotated[str, Field(pattern=MIG_LAYOUT)] | None = setting(
        Change.ROLLING,
        "NVIDIA: the MIG layout of every GPU, such as all-1g.10gb; all-disabled makes cut ones whole, which"
        " leaving it out does not.",
        default=None,
    )
    compute: ComputePartition | None = setting(
        Change.ROLLING,
        "AMD: how compute units are cut, on Instinct MI300X and later; pods leave the node for that. SPX"
        " makes cut ones whole, which leaving it out does not.",
        default=None,
    )
    memory: MemoryPartition | None = setting(
        Change.ROLLING, "AMD: how memory is cut; goes with `compute`.", default=None
    )


# How pods get a vendor's GPUs where nothing is said. NVIDIA's operator calls its way by DRA experimental
# (NVIDIA/gpu-operator a22dbf6 deployments/gpu-operator/values.yaml, gpuCluster). AMD's driver has releases
# (ROCm/k8s-gpu-dra-driver v1.0.0). Intel's says that it is a beta (README.md of
# intel/intel-resource-drivers-for-kubernetes 1da939f), but its device plugin counts all cards under one name,
# whatever their model and memory.
USUAL = {
    Vendor.INTEL: Allocation.DRA,
    Vendor.AMD: Allocation.DRA,
    Vendor.NVIDIA: Allocation.DEVICE_PLUGIN,
}


def _usual(declared: dict[str, Any]) -> Allocation:
    return USUAL[declared["vendor"]]


class Gpus(Section):
    """Cards of one model that a node is declared to have; a processor's own graphics are none."""

    vendor: Vendor = setting(Change.ROLLING, "Who made them.")
    model: Annotated[str, Field(pattern=GPU_MODEL)] = setting(
        Change.ROLLING,
        "Their model as the vendor writes it, such as A770 or RTX 4070; of AMD and NVIDIA any part of the"
        " product name that tells it from others.",
    )
    count: Annotated[int, Field(strict=True, ge=1, le=64)] = setting(
        Change.ROLLING, "How many of that model the node has."
    )
    allocation: Allocation = setting(
        Change.ROLLING,
        "How pods get them; left out, dra for Intel's and AMD's and device-plugin for NVIDIA's.",
        default_factory=_usual,
    )
    module: KernelModule | None = setting(
        Change.ROLLING,
        "The kernel module that drives them; left out, the one that suits the model.",
        default=None,
    )
    sharing: Sharing | None = setting(
        Change.ROLLING, "One GPU for several pods, with the device plugin.", default=None
    )
    partitioning: Partitioning | None = setting(
        Change.ROLLING, "One GPU cut into several by its hardware.", default=None
    )

    @property
    def closed_to_users(self) -> bool:
        """Say whether only root and a group of the host would open the device nodes that a pod is given.

        A device plugin's keep their owner, for Intel's and AMD's cards root:render with mode 0660, unless
        containerd gives them to the pod's user (ROCm/k8s-device-plugin#39; containerd docs/cri/config.md,
        device_ownership_from_security_context; k3s-io/k3s#11200, --nonroot-devices). By CDI, as with DRA,
        they are the user's already (cncf-tags/container-device-interface pkg/cdi/container-edits.go, Apply).
        """
        return self.vendor is not Vendor.NVIDIA and self.allocation is Allocation.DEVICE_PLUGIN


def _listed(declared: Any) -> Any:
    """Take what stands alone for a list of one: most nodes have cards of one model."""
    if declared is None:
        return ()
    return declared if isinstance(declared, list | tuple) else (declared,)


Declared = Annotated[
    tuple[Gpus, ...], BeforeValidator(_listed, json_schema_input_type=Gpus | tuple[Gpus, ...] | None)
]


class Stack(Section):
    """What makes one vendor's GPUs usable: releases, the kernel driver's source, monitoring."""

    version: Annotated[str, Field(pattern=RELEASE)] | None = setting(
        Change.ROLLING, "The release of the vendor's chart; left out, the catalogue's.", default=None
    )
    driver: DriverSource = setting(
        Change.ROLLING,
        "Who brings the kernel driver: host leaves it as it is, packages installs `packages`,"
        " operator leaves it to the vendor's operator.",
        default=DriverSource.HOST,
    )
    packages: tuple[Annotated[str, Field(pattern=PACKAGE)], ...] = setting(
        Change.ROLLING, "The driver's packages, such as nvidia-driver-580-server-open.", default=()
    )
    monitoring: Switch = setting(
        Change.LIVE,
        "Whether the vendor's metrics exporter runs on its nodes; Intel's on those with DRA.",
        default=False,
    )
    manifest: Annotated[str, Field(pattern=MANIFEST)] | None = setting(
        Change.ROLLING,
        "A file of objects, from the inventory's directory, that takes the place of the vendor's chart.",
        default=None,
    )


class IntelStack(Stack):
    """Intel's two stacks: nodes of both ways are served side by side, each by its own chart."""

    plugin_version: Annotated[str, Field(pattern=RELEASE)] | None = setting(
        Change.ROLLING,
        "The release of the device plugin operator's chart, where `version` is the resource driver's; left"
        " out, the catalogue's.",
        default=None,
    )


class AmdStack(Stack):
    """AMD's operator; the driver that it brings it builds in the cluster, and keeps in a registry."""

    driver_image: Annotated[str, Field(pattern=IMAGE_REPOSITORY)] | None = setting(
        Change.ROLLING,
        "Where the operator keeps the driver that it builds: a repository that nodes may push to.",
        default=None,
    )
    driver_image_secret: Annotated[str, Field(pattern=DNS_LABEL)] | None = setting(
        Change.ROLLING,
        "The Secret in kube-amd-gpu that lets them in there; left out, nobody has to be let in.",
        default=None,
    )


class NvidiaStack(Stack):
    """NVIDIA's operator."""

    mig_strategy: MigStrategy = setting(
        Change.ROLLING,
        "How MIG parts are named: single as nvidia.com/gpu, mixed by their profile.",
        default=MigStrategy.SINGLE,
    )


class Gpu(Section):
    """GPUs in the whole cluster; a vendor without a node in `nodes[].gpus` is not installed."""

    intel: IntelStack = setting(
        Change.ROLLING, "Intel's resource driver or device plugin.", default=IntelStack()
    )
    amd: AmdStack = setting(Change.ROLLING, "AMD's GPU operator.", default=AmdStack())
    nvidia: NvidiaStack = setting(Change.ROLLING, "NVIDIA's GPU operator.", default=NvidiaStack())
    node_feature_discovery: Switch = setting(
        Change.ROLLING,
        "Whether Node Feature Discovery finds GPU nodes, where an operator asks for its labels; false: the"
        " labels are set as declared, but where NVIDIA's operator needs more of them than that.",
        default=False,
    )

    def stack(self, vendor: Vendor) -> Stack:
        """Return a vendor's part."""
        return {Vendor.INTEL: self.intel, Vendor.AMD: self.amd, Vendor.NVIDIA: self.nvidia}[vendor]

    def release(self, vendor: Vendor, allocation: Allocation) -> tuple[str, str | None]:
        """Return the key that names the release of the chart for one way to allocate, and what it says."""
        if vendor is Vendor.INTEL and allocation is Allocation.DEVICE_PLUGIN:
            return "plugin_version", self.intel.plugin_version
        return "version", self.stack(vendor).version
