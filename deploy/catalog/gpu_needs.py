"""Cluster -> the charts and images of its GPUs, as entries of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from deploy.catalog.entries import ANY_ARCH, FileEntry, ImageEntry
from deploy.catalog.gpu_support import release, supported, unknown
from deploy.errors import InventoryError
from deploy.model import Allocation, Cluster, DriverSource, Vendor
from deploy.model.certificates import CertificateProvider

DATA = Path(__file__).with_name("gpu_charts.yaml")
AMD_IMAGES = ("amd-operator", "amd-utils", "amd-init")
NVIDIA_REGISTRY = "nvcr.io"
CERT_MANAGER = "cert-manager"
CERT_MANAGER_PARTS = ("controller", "webhook", "cainjector", "acmesolver")
STACKS = {
    (Vendor.INTEL, Allocation.DRA): "intel-gpu-resource-driver",
    (Vendor.INTEL, Allocation.DEVICE_PLUGIN): "intel-device-plugins-operator",
    (Vendor.AMD, Allocation.DRA): "amd-gpu-operator",
    (Vendor.AMD, Allocation.DEVICE_PLUGIN): "amd-gpu-operator",
    (Vendor.NVIDIA, Allocation.DRA): "nvidia-gpu-operator",
    (Vendor.NVIDIA, Allocation.DEVICE_PLUGIN): "nvidia-gpu-operator",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Chart(_Section):
    name: str
    published: str
    url: str
    index: str


class _Oci(_Section):
    ref: str
    version: str | None = None


class _Document(_Section):
    charts: dict[str, _Chart]
    oci: dict[str, _Oci]
    images: dict[str, str | dict[str, str]]


@lru_cache(maxsize=1)
def _document() -> _Document:
    return _Document.model_validate(yaml.safe_load(DATA.read_text()))


def stacks(cluster: Cluster) -> list[tuple[Vendor, Allocation]]:
    """Return the vendors' stacks that are installed from their charts, each once."""
    declared = ((gpus.vendor, gpus.allocation) for _, gpus in cluster.declared_gpus())
    return [each for each in dict.fromkeys(declared) if not cluster.gpu.stack(each[0]).manifest]


def wants_cert_manager(cluster: Cluster) -> bool:
    """Say whether cert-manager is declared, or a stack's webhooks get their certificates from it."""
    return cluster.certificates.provider is CertificateProvider.CERT_MANAGER or any(
        vendor is Vendor.AMD or (vendor, way) == (Vendor.INTEL, Allocation.DEVICE_PLUGIN)
        for vendor, way in stacks(cluster)
    )


def discovered(cluster: Cluster, vendor: Vendor) -> bool:
    """Say whether Node Feature Discovery finds a vendor's nodes, instead of labels that are set as declared.

    NVIDIA's operator reads more than its cards' label: without the system's release it stops at the first GPU
    node, and its feature discovery hands its own findings to Node Feature Discovery (NVIDIA/gpu-operator
    controllers/state_manager.go getGPUNodeOSInfo, internal/state/nodepool.go,
    assets/gpu-feature-discovery/0500_daemonset.yaml). A GPUCluster over a host's own driver reads neither.
    """
    ways = [way for each, way in stacks(cluster) if each is vendor]
    if not ways or vendor is Vendor.INTEL:
        return False
    operated = cluster.gpu.stack(vendor).driver is DriverSource.OPERATOR
    asked = vendor is Vendor.NVIDIA and (Allocation.DEVICE_PLUGIN in ways or operated)
    return asked or cluster.gpu.node_feature_discovery


def wants_node_features(cluster: Cluster) -> bool:
    """Say whether Node Feature Discovery runs, once for all operators whose nodes it finds."""
    return any(discovered(cluster, vendor) for vendor in Vendor)


def files(cluster: Cluster) -> tuple[FileEntry, ...]:
    """Return the packaged charts; their keys in a lock file end in -chart."""
    wanted = [(STACKS[each], release(cluster, *each)) for each in stacks(cluster)]
    known = _document().charts
    return tuple(_file(name, known[name], version) for name, version in wanted if name in known)


def _file(name: str, chart: _Chart, version: str) -> FileEntry:
    bare = version.removeprefix("v")
    published, url = chart.published.format(version=bare), chart.url.format(version=bare)
    return FileEntry(f"{name}-chart", published, ANY_ARCH, url, chart.index, chart.name)


def images(cluster: Cluster) -> tuple[ImageEntry, ...]:
    """Return the charts that lie in a registry (keys end in -chart), and the images of the stacks.

    Raise InventoryError for a release whose images are not known here.
    """
    for vendor, way in stacks(cluster):
        key, _ = cluster.gpu.release(vendor, way)
        if release(cluster, vendor, way).removeprefix("v") not in supported(vendor, way).releases:
            raise InventoryError(f"gpu.{vendor}.{key}: {unknown(cluster, vendor, way)}")
    wanted = {STACKS[each]: release(cluster, *each) for each in stacks(cluster)}
    extra = {
        CERT_MANAGER: wants_cert_manager(cluster),
        "node-feature-discovery": wants_node_features(cluster),
    }
    found = [
        ImageEntry(
            f"{name}-chart", chart.ref.format(version=(chart.version or wanted[name]).removeprefix("v"))
        )
        for name, chart in _document().oci.items()
        if name in wanted or extra.get(name)
    ]
    run = {name: _image(name, version) for name, version in _run(cluster)}
    return (*found, *(ImageEntry(name, ref) for name, ref in run.items()))


def registries(cluster: Cluster) -> tuple[str, ...]:
    """Return the registries that only GPU stacks' images come from."""
    return (NVIDIA_REGISTRY,) if any(vendor is Vendor.NVIDIA for vendor, _ in stacks(cluster)) else ()


def _image(name: str, version: str) -> str:
    known = _document().images[name]
    return known.format(version=version) if isinstance(known, str) else known[version]


def _run(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Yield the images that the stacks and what they need run, each with its release."""
    for vendor, way in stacks(cluster):
        version = release(cluster, vendor, way).removeprefix("v")
        cut = any(gpus.partitioning for _, gpus in cluster.declared_gpus(vendor))
        named = {Vendor.INTEL: _intel, Vendor.AMD: _amd, Vendor.NVIDIA: _nvidia}[vendor]
        yield from ((name, version) for name in named(cluster, way, cut))
    if wants_cert_manager(cluster):
        version = _document().oci[CERT_MANAGER].version or ""
        yield from ((f"{CERT_MANAGER}-{part}", version) for part in CERT_MANAGER_PARTS)
    if wants_node_features(cluster):
        yield "node-feature-discovery", ""


def _intel(_: Cluster, way: Allocation, __: bool) -> list[str]:
    if way is Allocation.DRA:
        return ["intel-gpu-driver"]
    return ["intel-plugin-operator", "intel-gpu-plugin"]


def _amd(cluster: Cluster, way: Allocation, cut: bool) -> list[str]:
    by_claim = way is Allocation.DRA
    # the labeller is also who keeps the kernel's driver away from the operator's (internal/nodelabeller)
    labeller = not by_claim or cluster.gpu.amd.driver is DriverSource.OPERATOR
    return [
        *AMD_IMAGES,
        "amd-dra-driver" if by_claim else "amd-device-plugin",
        *(["amd-node-labeller"] if labeller else []),
        *(["amd-metrics-exporter"] if cluster.gpu.amd.monitoring else []),
        *(["amd-config-manager"] if cut else []),
    ]


def _nvidia(cluster: Cluster, way: Allocation, cut: bool) -> list[str]:
    """Return all but the driver's own image, whose tag the operator makes of the nodes' system."""
    by_claim = way is Allocation.DRA
    return [
        "nvidia-operator",
        *(["nvidia-dra-driver"] if by_claim else ["nvidia-toolkit", "nvidia-device-plugin"]),
        *(["nvidia-mig-manager"] if cut and not by_claim else []),
        *(["nvidia-dcgm-exporter"] if cluster.gpu.nvidia.monitoring else []),
        *(["nvidia-driver-manager"] if cluster.gpu.nvidia.driver is DriverSource.OPERATOR else []),
    ]
