"""Kubernetes, the vendors' stacks and the DRA API: what does not go together, said before it is tried."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.catalog import gpu_support
from deploy.catalog.entries import minor_of
from deploy.catalog.gpu import served_by_default
from deploy.catalog.gpu_support import Release
from deploy.gpu.parts import WHOLE
from deploy.model import Allocation, Cluster, Gpus, Vendor
from deploy.model.gpu_rules import entries
from deploy.model.mistake import Mistake, Place

VERSION: Place = ("kubernetes", "version")


def mistakes(cluster: Cluster) -> list[Mistake]:
    """Return what cannot work."""
    return [*_broken_releases(cluster), *_releases(cluster), *_partitions(cluster)]


def warnings(cluster: Cluster) -> list[Mistake]:
    """Return what nobody has said to work: a Kubernetes that is newer than a stack's release knows."""
    found = []
    for vendor, allocation in _stacks(cluster):
        known = _known(cluster, vendor, allocation)
        last = known.last if known else None
        if last and _number(minor_of(cluster.kubernetes.version)) > _number(last):
            found.append(
                Mistake(
                    VERSION,
                    f"{cluster.kubernetes.version} is newer than what {vendor}'s {allocation} stack"
                    f" {gpu_support.release(cluster, vendor, allocation)} names, Kubernetes {last} at most",
                )
            )
    return found


def _stacks(cluster: Cluster) -> list[tuple[Vendor, Allocation]]:
    """Return the stacks that the cluster's nodes call for, each once."""
    return list(dict.fromkeys((gpus.vendor, gpus.allocation) for _, gpus in cluster.declared_gpus()))


def _known(cluster: Cluster, vendor: Vendor, allocation: Allocation) -> Release | None:
    """Return what is known of the release that would be installed; a manifest of one's own is not judged."""
    if cluster.gpu.stack(vendor).manifest:
        return None
    wanted = gpu_support.release(cluster, vendor, allocation)
    return gpu_support.supported(vendor, allocation).releases.get(wanted.removeprefix("v"))


def _broken_releases(cluster: Cluster) -> Iterator[Mistake]:
    version = cluster.kubernetes.version
    nodes = dict.fromkeys(node.name for node, _ in cluster.claimed_gpus())
    if nodes and version.partition("+")[0] in gpu_support.load().dra_broken:
        yield Mistake(
            VERSION,
            f"the kubelet of {version} loses DRA drivers after 30 quiet minutes, and {', '.join(nodes)}"
            " allocate GPUs by DRA; wanted v1.34.2 or newer, or allocation: device-plugin",
            involves=(("nodes",),),
        )


def _releases(cluster: Cluster) -> Iterator[Mistake]:
    for vendor, allocation in _stacks(cluster):
        if cluster.gpu.stack(vendor).manifest:
            continue
        key, _ = cluster.gpu.release(vendor, allocation)
        place: Place = ("gpu", vendor.value, key)
        wanted, known = gpu_support.release(cluster, vendor, allocation), _known(cluster, vendor, allocation)
        if known is None:
            yield Mistake(place, gpu_support.unknown(cluster, vendor, allocation))
        elif _number(minor_of(cluster.kubernetes.version)) < _number(known.first):
            yield Mistake(
                VERSION,
                f"{vendor}'s {allocation} stack {wanted} needs Kubernetes {known.first} or newer, this is"
                f" {cluster.kubernetes.version}; raise it, or choose {_fitting(vendor, allocation, cluster)}",
                involves=(place,),
            )
        elif known.api and not set(known.api) & set(served_by_default(cluster.kubernetes.version)):
            yield Mistake(
                place,
                f"{vendor}'s {allocation} stack {wanted} speaks resource.k8s.io/{' and '.join(known.api)},"
                f" and {cluster.kubernetes.version} serves"
                f" {' and '.join(served_by_default(cluster.kubernetes.version))}; choose"
                f" {_fitting(vendor, allocation, cluster)}",
            )


def _fitting(vendor: Vendor, allocation: Allocation, cluster: Cluster) -> str:
    """Name the releases that would do."""
    minor = _number(minor_of(cluster.kubernetes.version))
    fitting = [
        name
        for name, known in gpu_support.supported(vendor, allocation).releases.items()
        if _number(known.first) <= minor
        and (known.last is None or minor <= _number(known.last))
        and (not known.api or set(known.api) & set(served_by_default(cluster.kubernetes.version)))
    ]
    key, _ = cluster.gpu.release(vendor, allocation)
    named = f"gpu.{vendor}.{key}: {' or '.join(fitting)}"
    return named if fitting else "another vendor's GPUs: no release is known to work there"


def _partitions(cluster: Cluster) -> Iterator[Mistake]:
    for above, _, gpus in entries(cluster):
        cut, place = gpus.partitioning, (*above, "partitioning")
        wanted = cut and (cut.mig or (cut.compute and cut.memory and f"{cut.compute}/{cut.memory}"))
        if not wanted:
            continue
        allowed = _layouts(gpus) if gpus.vendor is Vendor.NVIDIA else _allowed(gpus)
        if not allowed:
            yield Mistake(place, f"{gpus.model} cannot be cut, as far as is known; leave it out")
        elif wanted not in allowed:
            yield Mistake(place, f"{gpus.model} has no {wanted}, wanted {', '.join(allowed)}")


def _allowed(gpus: Gpus) -> tuple[str, ...]:
    families = gpu_support.load().amd_partitions
    return next((cuts for family, cuts in families.items() if gpus.model.startswith(family)), ())


def _layouts(gpus: Gpus) -> tuple[str, ...]:
    """Return the MIG layouts of a model: those with equal parts, which alone can be counted and asked for."""
    parts = gpu_support.load().nvidia_mig.get(gpus.model)
    return (WHOLE, *(f"all-{profile}" for profile in parts)) if parts else ()


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))
