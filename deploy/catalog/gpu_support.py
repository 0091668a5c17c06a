"""gpu_support.yaml, typed: releases of the vendors' stacks and the Kubernetes versions they go with."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from deploy.model import Allocation, Cluster, ComputePartition, Vendor

DATA = Path(__file__).with_name("gpu_support.yaml")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Release(_Section):
    """The minors that a release goes with: first, and last where there is one; and the APIs it speaks."""

    kubernetes: tuple[str, ...] = Field(min_length=1, max_length=2)
    api: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The oldest minor."""
        return self.kubernetes[0]

    @property
    def last(self) -> str | None:
        """The newest minor, where there is an end to it."""
        return self.kubernetes[1] if len(self.kubernetes) > 1 else None


class Supported(_Section):
    """The releases of one vendor's stack; `level` is how far it was proven (L1 to L4)."""

    default: str
    level: str
    releases: dict[str, Release]


class _Document(_Section):
    stacks: dict[Vendor, dict[Allocation, Supported]]
    dra_broken: tuple[str, ...]
    operator_drivers: dict[Vendor, dict[str, tuple[str, ...]]]
    cdi_since: str
    amd_partitions: dict[str, tuple[str, ...]]
    amd_parts: dict[ComputePartition, int]
    nvidia_mig: dict[str, dict[str, int]]


@lru_cache(maxsize=1)
def load() -> _Document:
    """Return the whole of gpu_support.yaml."""
    return _Document.model_validate(yaml.safe_load(DATA.read_text()))


def supported(vendor: Vendor, allocation: Allocation) -> Supported:
    """Return what is known of a vendor's stack for one way to allocate."""
    return load().stacks[vendor][allocation]


def release(cluster: Cluster, vendor: Vendor, allocation: Allocation) -> str:
    """Return the release that is installed: the inventory's, or the default."""
    _, version = cluster.gpu.release(vendor, allocation)
    return version or supported(vendor, allocation).default


def unknown(cluster: Cluster, vendor: Vendor, allocation: Allocation) -> str:
    """Say that the release that would be installed is none of those that are known."""
    wanted, known = release(cluster, vendor, allocation), supported(vendor, allocation).releases
    return f"no release {wanted} of {vendor}'s {allocation} stack is known; there are: {', '.join(known)}"
