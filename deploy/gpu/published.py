"""Devices as drivers publish them in ResourceSlices: whose, where, which model, and whether a card at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.catalog import gpu as names
from deploy.gpu.models import longer
from deploy.gpu.selectors import pattern
from deploy.model import Vendor

# k8s.io/dynamic-resource-allocation deviceattribute: the same name for every vendor
SLOT = "resource.kubernetes.io/pciBusID"


@dataclass(frozen=True, slots=True)
class Published:
    """One device; `model` as its driver writes it, `slot` on the PCI bus where it says so."""

    node: str
    driver: str
    pool: str
    device: str
    model: str
    integrated: bool
    slot: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What an allocation names it by: driver, pool, device."""
        return self.driver, self.pool, self.device

    def is_a(self, vendor: Vendor, model: str) -> bool:
        """Say whether this is a card of that model."""
        known = names.names(vendor)
        if self.driver != known.driver or self.integrated:
            return False
        if known.model.names == "words":
            others = longer(vendor, model)
            found = re.search(pattern((model,)), self.model)
            return bool(found) and not (others and re.search(pattern(others), self.model))
        return self.model == known.model.differ.get(model, model)


def published(slices: Iterable[Mapping[str, Any]], vendors: Iterable[Vendor] = Vendor) -> Iterator[Published]:
    """Yield the devices of the vendors' drivers; in v1beta1 a device's attributes are under `basic`."""
    drivers = {names.names(vendor).driver: names.names(vendor) for vendor in vendors}
    for each in slices:
        spec = each["spec"]
        known = drivers.get(spec["driver"])
        if known is None:
            continue
        for device in spec.get("devices") or ():
            attributes = (device.get("basic") or device).get("attributes") or {}
            integrated = known.integrated
            where = _text(attributes, integrated.attribute) if integrated else ""
            yield Published(
                node=spec.get("nodeName", ""),
                driver=spec["driver"],
                pool=spec["pool"]["name"],
                device=device["name"],
                model=_text(attributes, known.model.attribute),
                integrated=bool(integrated and where.endswith(integrated.ends)),
                slot=_text(attributes, SLOT),
            )


def _text(attributes: Mapping[str, Any], name: str) -> str:
    return str((attributes.get(name) or {}).get("string", ""))
