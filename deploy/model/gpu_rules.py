"""What must hold between the values of an inventory about GPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, groupby

from deploy.model.cluster import Cluster, Node
from deploy.model.gpu import Gpus, NvidiaStack, Partitioning, Stack
from deploy.model.mistake import Mistake, Place, written
from deploy.model.values import (
    Allocation,
    DriverSource,
    KernelModule,
    MigStrategy,
    SharingStrategy,
    Vendor,
)

MODULES = {
    Vendor.INTEL: (KernelModule.I915, KernelModule.XE),
    Vendor.AMD: (KernelModule.AMDGPU,),
    Vendor.NVIDIA: (KernelModule.NVIDIA,),
}
STRATEGIES = {
    Vendor.INTEL: (SharingStrategy.SHARED,),
    Vendor.AMD: (),
    Vendor.NVIDIA: (SharingStrategy.TIME_SLICING, SharingStrategy.MPS),
}
# one operator serves all nodes of its vendor in one of the two ways: ROCm/gpu-operator rejects a DeviceConfig
# with both, and its default one selects every AMD node; NVIDIA/gpu-operator templates/validations.yaml
# rejects a ClusterPolicy beside a GPUCluster
OPERATORS = (Vendor.AMD, Vendor.NVIDIA)


def entries(cluster: Cluster) -> Iterator[tuple[Place, Node, Gpus]]:
    """Yield every entry of nodes[].gpus; one that is alone may stand there without a list."""
    for index, node in enumerate(cluster.nodes):
        place: Place = ("nodes", index, "gpus")
        for number, gpus in enumerate(node.gpus):
            yield (*place, number) if len(node.gpus) > 1 else place, node, gpus


def pairs(cluster: Cluster) -> Iterator[tuple[tuple[Place, Gpus], tuple[Place, Gpus]]]:
    """Yield every two entries that one node has of one vendor, the later of them first."""
    for _, of_a_node in groupby(entries(cluster), key=lambda each: each[0][1]):
        for (before, _, first), (place, _, second) in combinations(of_a_node, 2):
            if first.vendor is second.vendor:
                yield (place, second), (before, first)


def a_model_has_one_entry(cluster: Cluster) -> Iterator[Mistake]:
    """Two entries of a node are of two models."""
    for (place, gpus), (before, other) in pairs(cluster):
        if gpus.model == other.model:
            text = f"{gpus.model} is in {written(before)} as well; keep one of the two"
            yield Mistake(place, f"{text}, with count: {gpus.count + other.count}", involves=(before,))


def allocation_is_one_per_node(cluster: Cluster) -> Iterator[Mistake]:
    """All GPUs that a node has of a vendor are given away in one way, so that none is given away twice."""
    for (place, gpus), (before, other) in pairs(cluster):
        if gpus.allocation is not other.allocation and gpus.vendor not in OPERATORS:
            yield Mistake(
                (*place, "allocation"),
                f"{gpus.allocation} here and {other.allocation} in {written(before)}; a node gives all GPUs"
                f" of {gpus.vendor} away in one way: choose one for both",
                involves=((*before, "allocation"),),
            )


def cards_are_cut_alike(cluster: Cluster) -> Iterator[Mistake]:
    """A node's label says how all of its cards are cut: AMD's config manager and NVIDIA's MIG manager."""
    for (place, gpus), (before, other) in pairs(cluster):
        if gpus.partitioning != other.partitioning and gpus.vendor in OPERATORS:
            yield Mistake(
                (*place, "partitioning"),
                f"is not as in {written(before)}; {gpus.vendor}'s operator cuts all of a node's cards alike:"
                " say the same of both, or of none",
                involves=((*before, "partitioning"),),
            )


def allocation_is_one_per_operator(cluster: Cluster) -> Iterator[Mistake]:
    """All nodes of a vendor whose operator knows one way only are served in that way."""
    first: dict[Vendor, tuple[Place, Node, Allocation]] = {}
    for place, node, gpus in entries(cluster):
        if gpus.vendor not in OPERATORS:
            continue
        before, other, allocation = first.setdefault(gpus.vendor, (place, node, gpus.allocation))
        if allocation is not gpus.allocation:
            where = f"on {other.name}" if other is not node else f"in {written(before)}"
            yield Mistake(
                (*place, "allocation"),
                f"{gpus.allocation} here and {allocation} {where}; {gpus.vendor}'s operator serves"
                " all of its nodes in one way: choose one for all of them",
                involves=((*before, "allocation"),),
            )


def module_fits_vendor(cluster: Cluster) -> Iterator[Mistake]:
    """A kernel module drives its own vendor's GPUs."""
    for place, _, gpus in entries(cluster):
        if gpus.module and gpus.module not in MODULES[gpus.vendor]:
            wanted = " or ".join(MODULES[gpus.vendor])
            yield Mistake(
                (*place, "module"), f'"{gpus.module}" does not drive {gpus.vendor}\'s GPUs, wanted {wanted}'
            )


def sharing_fits(cluster: Cluster) -> Iterator[Mistake]:
    """GPUs are shared by a device plugin that can, and by a claim everywhere else."""
    for place, _, gpus in entries(cluster):
        if gpus.sharing is None:
            continue
        known, strategy = STRATEGIES[gpus.vendor], gpus.sharing.strategy
        if gpus.allocation is Allocation.DRA:
            text = "pods share a claim with DRA, not a GPU; leave it out, or use allocation: device-plugin"
            yield Mistake((*place, "sharing"), text, involves=((*place, "allocation"),))
        elif not known:
            text = f"{gpus.vendor}'s device plugin cannot share a GPU; use partitioning, or allocation: dra"
            yield Mistake((*place, "sharing"), text)
        elif strategy not in known:
            text = f"{gpus.vendor}'s device plugin does not know {strategy}, wanted {' or '.join(known)}"
            yield Mistake((*place, "sharing", "strategy"), text)


def intel_shares_alike(cluster: Cluster) -> Iterator[Mistake]:
    """Intel's device plugin has one -shared-dev-num for the cluster."""
    first: tuple[str, int] | None = None
    for place, node, gpus in entries(cluster):
        if gpus.vendor is not Vendor.INTEL or gpus.allocation is not Allocation.DEVICE_PLUGIN:
            continue
        replicas = gpus.sharing.replicas if gpus.sharing else 1
        other, before = first = first or (node.name, replicas)
        if replicas != before:
            yield Mistake(
                (*place, "sharing"),
                f"{replicas} pods per GPU here and {before} on {other}; Intel's device plugin has one number"
                " for all of its nodes",
            )


def partitioning_fits(cluster: Cluster) -> Iterator[Mistake]:
    """A partitioning is one that the vendor's hardware knows, and all of it is said."""
    for place, _, gpus in entries(cluster):
        if gpus.partitioning:
            yield from _partitioning((*place, "partitioning"), gpus, gpus.partitioning)
            if gpus.partitioning.mig and gpus.vendor is Vendor.NVIDIA:
                yield from _mig((*place, "partitioning", "mig"), gpus, cluster.gpu.nvidia)


def _partitioning(place: Place, gpus: Gpus, cut: Partitioning) -> Iterator[Mistake]:
    if gpus.vendor is Vendor.INTEL:
        yield Mistake(place, "Intel's GPUs are given away whole; leave it out")
    if gpus.vendor is Vendor.AMD and cut.mig:
        yield Mistake((*place, "mig"), "AMD's GPUs have no MIG; use compute and memory, such as CPX and NPS4")
    if gpus.vendor is Vendor.NVIDIA and (cut.compute or cut.memory):
        yield Mistake(place, "NVIDIA's GPUs are cut by mig alone, such as all-1g.10gb")
    if gpus.vendor is Vendor.AMD and not cut.mig and not (cut.compute and cut.memory):
        yield Mistake(place, "compute and memory go together, such as SPX and NPS1")


def _mig(place: Place, gpus: Gpus, stack: NvidiaStack) -> Iterator[Mistake]:
    if gpus.allocation is Allocation.DRA and stack.manifest is None:
        # its GPUCluster has no MIG manager: NVIDIA/gpu-operator internal/state/manager.go
        text = "NVIDIA's operator cuts GPUs for its device plugin alone; use allocation: device-plugin"
        yield Mistake(place, text, involves=((*place[:-2], "allocation"),))
    if gpus.sharing and gpus.sharing.strategy is SharingStrategy.MPS:
        yield Mistake(place, "NVIDIA's device plugin has no MPS on parts of a GPU; leave out one of the two")
    elif gpus.sharing and stack.mig_strategy is MigStrategy.MIXED:
        text = "parts that are named by their profile (gpu.nvidia.mig_strategy: mixed) are not shared here"
        yield Mistake(
            place, f"{text}; leave out one of the two", involves=(("gpu", "nvidia", "mig_strategy"),)
        )


def driver_source_is_complete(cluster: Cluster) -> Iterator[Mistake]:
    """Packages are named where they are to be installed, and nobody is asked for a driver he has not."""
    for vendor in Vendor:
        place: Place = ("gpu", vendor.value)
        stack = cluster.gpu.stack(vendor)
        if vendor is Vendor.INTEL and stack.driver is DriverSource.OPERATOR:
            text = "i915 and xe come with the kernel and with packages, no operator brings them; use host"
            yield Mistake((*place, "driver"), text)
        if stack.driver is DriverSource.PACKAGES and not stack.packages:
            yield Mistake((*place, "packages"), "missing; wanted here: the packages that bring the driver")
        if stack.packages and stack.driver is not DriverSource.PACKAGES:
            yield Mistake(
                (*place, "packages"),
                f"are installed with driver: packages only, and it is {stack.driver};"
                " say so, or leave them out",
            )


def built_driver_has_a_place(cluster: Cluster) -> Iterator[Mistake]:
    """AMD's operator builds its driver and pushes it: the chart's own default is nobody's registry."""
    amd, operator = cluster.gpu.amd, cluster.gpu.amd.driver is DriverSource.OPERATOR
    place: Place = ("gpu", "amd", "driver_image")
    if operator and amd.driver_image is None and amd.manifest is None:
        text = "missing; wanted here: a repository to which the operator may push the driver that it builds"
        yield Mistake(place, text, involves=(("gpu", "amd", "driver"),))
    if amd.driver_image and not operator:
        yield Mistake(place, f"is used with driver: operator only, and it is {amd.driver}; leave it out")
    if amd.driver_image_secret and amd.driver_image is None:
        yield Mistake((*place[:2], "driver_image_secret"), "goes with driver_image; name both, or none")


def stacks_have_nodes(cluster: Cluster) -> Iterator[Mistake]:
    """A vendor that is configured has a node."""
    for vendor in Vendor:
        stack = cluster.gpu.stack(vendor)
        if stack != type(stack)() and not cluster.gpu_nodes(vendor):
            yield Mistake(
                ("gpu", vendor.value),
                f"no node has GPUs of {vendor}; declare them in nodes[].gpus, or leave this out",
                involves=(("nodes",),),
            )


def manifest_needs_no_version(cluster: Cluster) -> Iterator[Mistake]:
    """A manifest of one's own takes the place of the chart, so the chart's release is not chosen as well."""
    for vendor in Vendor:
        stack: Stack = cluster.gpu.stack(vendor)
        for key, version in dict(cluster.gpu.release(vendor, way) for way in Allocation).items():
            if not (stack.manifest and version):
                continue
            yield Mistake(
                ("gpu", vendor.value, key),
                "names a release of the vendor's chart, and manifest takes the chart's place; leave out one",
            )


def releases_are_of_a_way_that_is_used(cluster: Cluster) -> Iterator[Mistake]:
    """Intel's two charts have a key each, and one that is named is installed."""
    ways = {gpus.allocation for _, _, gpus in entries(cluster) if gpus.vendor is Vendor.INTEL}
    for way in Allocation:
        key, version = cluster.gpu.release(Vendor.INTEL, way)
        if version and ways and way not in ways:
            other = " and ".join(cluster.gpu.release(Vendor.INTEL, each)[0] for each in ways)
            text = f"names a release for allocation: {way}, and no node of intel has that"
            text += f"; leave it out, or set {other}"
            yield Mistake(("gpu", "intel", key), text, involves=(("nodes",),))


def settings_have_a_use(cluster: Cluster) -> Iterator[Mistake]:
    """What is set is read by a stack that is installed."""
    gpu = cluster.gpu
    ways = {(gpus.vendor, gpus.allocation) for _, _, gpus in entries(cluster)}
    charts = {vendor for vendor, _ in ways if not gpu.stack(vendor).manifest}
    if gpu.node_feature_discovery and charts.isdisjoint(OPERATORS):
        text = "only AMD's and NVIDIA's operators read its labels, and no node has theirs; leave it out"
        yield Mistake(("gpu", "node_feature_discovery"), text, involves=(("nodes",),))
    mixed = gpu.nvidia.mig_strategy is MigStrategy.MIXED
    if mixed and ways and (Vendor.NVIDIA, Allocation.DEVICE_PLUGIN) not in ways:
        text = "names what the device plugin offers, and no node of nvidia has allocation: device-plugin"
        yield Mistake(("gpu", "nvidia", "mig_strategy"), f"{text}; leave it out", involves=(("nodes",),))
    intels = {way for vendor, way in ways if vendor is Vendor.INTEL}
    if gpu.intel.monitoring and intels == {Allocation.DEVICE_PLUGIN}:
        text = "Intel's device plugin brings no metrics exporter; leave it out, or use allocation: dra"
        yield Mistake(("gpu", "intel", "monitoring"), text, involves=(("nodes",),))


GPU_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    a_model_has_one_entry,
    allocation_is_one_per_node,
    cards_are_cut_alike,
    allocation_is_one_per_operator,
    module_fits_vendor,
    sharing_fits,
    intel_shares_alike,
    partitioning_fits,
    driver_source_is_complete,
    built_driver_has_a_place,
    stacks_have_nodes,
    manifest_needs_no_version,
    releases_are_of_a_way_that_is_used,
    settings_have_a_use,
)
