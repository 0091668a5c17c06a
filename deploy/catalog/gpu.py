"""gpu.yaml, typed: what GPUs are called by drivers and device plugins, and which DRA API a version has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from deploy.catalog import gates
from deploy.catalog.entries import minor_of
from deploy.model import KernelModule, Vendor

GROUP = gates.DRA
DATA = Path(__file__).with_name("gpu.yaml")
# the order of age in which one API group's versions are preferred
NEWEST_FIRST = ("v1", "v1beta2", "v1beta1")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Devices(_Section):
    """How a claim asks for whole cards, or for parts: a class, and what its devices are marked with."""

    device_class: str = Field(alias="class")
    attributes: dict[str, str] = Field(default_factory=dict)
    profile: str | None = None


class Model(_Section):
    """The attribute that names a device's model, and how a driver writes it."""

    attribute: str
    names: Literal["exact", "words"]
    differ: dict[str, str] = Field(default_factory=dict)


class Integrated(_Section):
    """What tells a processor's own graphics from a card."""

    attribute: str
    ends: str


class Names(_Section):
    """What one vendor's driver and device plugin call things."""

    driver: str
    whole: Devices
    part: Devices | None = None
    model: Model
    integrated: Integrated | None = None
    resources: dict[KernelModule, str]
    parts: str | None = None


class _Api(_Section):
    serves: tuple[str, ...] = Field(min_length=1)
    admin_label: str | None = None


class _Document(_Section):
    vendors: dict[Vendor, Names]
    resource_api: dict[str, _Api]


@dataclass(frozen=True, slots=True)
class ResourceApi:
    """What claims may say to a cluster: the API version's shape, and the optional parts that it takes."""

    version: str
    first_available: bool
    admin_access: bool
    tolerations: bool
    admin_label: str | None

    @property
    def is_flat(self) -> bool:
        """Say whether a request's wishes stand beside its name; since v1beta2 they are under `exactly`."""
        return self.version == "v1beta1"


@lru_cache(maxsize=1)
def _document() -> _Document:
    return _Document.model_validate(yaml.safe_load(DATA.read_text()))


def names(vendor: Vendor) -> Names:
    """Return what a vendor's driver and device plugin call things."""
    return _document().vendors[vendor]


def resource_api(
    kubernetes: str, wanted: dict[str, bool] | None = None, served: tuple[str, ...] = ()
) -> ResourceApi:
    """Return the API of a Kubernetes version with the feature gates `wanted`.

    `served` are the versions that a living cluster answers for; then the newest of them is taken.
    """
    minor = minor_of(kubernetes)
    row = _row(minor)
    version = next((each for each in NEWEST_FIRST if each in served), row.serves[0])
    return ResourceApi(
        version=version,
        first_available=_on("DRAPrioritizedList", minor, wanted or {}),
        admin_access=_on("DRAAdminAccess", minor, wanted or {}),
        tolerations=_on("DRADeviceTaints", minor, wanted or {}),
        admin_label=row.admin_label,
    )


def served_by_default(kubernetes: str) -> tuple[str, ...]:
    """Return the versions of resource.k8s.io that a Kubernetes version serves, newest first."""
    return _row(minor_of(kubernetes)).serves


def _row(minor: str) -> _Api:
    """Return the row of a minor; what the newest row says holds for all later ones."""
    known = _document().resource_api
    return known.get(minor) or known[max(known, key=_number)]


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))


def _on(gate: str, minor: str, wanted: dict[str, bool]) -> bool:
    """Say whether a gate is on: a gate that a version knows no more has become a matter of course."""
    known = gates.table()[gate]
    stage = known.at(minor)
    if stage is None or stage.name == gates.REMOVED:
        return _number(minor) >= _number(known.stages[-1].since)
    return stage.on if stage.locked else wanted.get(gate, stage.on)
