"""What a PCI device is: a GPU that can work, a processor's own graphics, a management display."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from deploy.model import Vendor
from deploy.observe.pci import Bus, Device

DATA = Path(__file__).with_name("cards.yaml")
VENDOR_IDS = {"8086": Vendor.INTEL, "1002": Vendor.AMD, "10de": Vendor.NVIDIA}
GENERATIONS = {1: 2.5, 2: 5.0, 3: 8.0, 4: 16.0, 5: 32.0, 6: 64.0}
DRIVERS = {Vendor.INTEL: ("i915", "xe"), Vendor.AMD: ("amdgpu",), Vendor.NVIDIA: ("nvidia",)}


class Sort(StrEnum):
    """What a device on the bus is good for."""

    GPU = "gpu"
    INTEGRATED = "integrated graphics"
    DISPLAY = "display only"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Card:
    """A model of GPU. `memory` in GiB, `speed` in GT/s; `kernel` the first release that drives it."""

    vendor: Vendor
    model: str
    memory: float
    width: int
    speed: float
    drivers: tuple[str, ...]
    kernel: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Gpu:
    """A discrete GPU that was found; `card` is None for a model that cards.yaml does not know."""

    vendor: Vendor
    device: Device
    card: Card | None

    @property
    def model(self) -> str:
        """The model's name, or the PCI id where it is not known."""
        return self.card.model if self.card else f"{self.device.vendor}:{self.device.device}"

    @property
    def drivers(self) -> tuple[str, ...]:
        """The kernel drivers that make the card work."""
        return self.card.drivers if self.card else DRIVERS[self.vendor]


@lru_cache(maxsize=1)
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(DATA.read_text())
    return loaded


@lru_cache(maxsize=1)
def cards() -> dict[tuple[str, str], Card]:
    """Return the known cards by vendor and device id."""
    return {
        (vendor_id, device): _card(vendor, entry)
        for vendor_id, vendor in VENDOR_IDS.items()
        for device, entry in _data()[vendor.value].items()
    }


def _card(vendor: Vendor, entry: dict[str, Any]) -> Card:
    major, _, minor = entry.get("kernel", "").partition(".")
    return Card(
        vendor=vendor,
        model=entry["model"],
        memory=entry["memory"],
        width=entry["width"],
        speed=GENERATIONS[entry["gen"]],
        drivers=tuple(entry["drivers"]),
        kernel=(int(major), int(minor)) if major else None,
    )


def sort_of(device: Device) -> Sort:
    """Say what a device is; an unknown device of a GPU maker off the processor's bus counts as a GPU.

    Intel's own graphics always sit at 00:02.0; AMD's carry ids of their own.
    """
    if device.vendor in _data()["displays"]:
        return Sort.DISPLAY
    vendor = VENDOR_IDS.get(device.vendor)
    if vendor is None:
        return Sort.OTHER
    if (device.vendor, device.device) in cards():
        return Sort.GPU
    built_in = device.slot.endswith(":00:02.0") if vendor is Vendor.INTEL else False
    listed = device.device in _data()["integrated"].get(vendor.value, ())
    return Sort.INTEGRATED if built_in or listed else Sort.GPU


def integrated(bus: Bus, vendor: Vendor) -> tuple[Device, ...]:
    """Return a vendor's graphics that are part of a processor."""
    return tuple(
        each for each in bus.devices if sort_of(each) is Sort.INTEGRATED and VENDOR_IDS[each.vendor] is vendor
    )


def display(device: Device) -> str:
    """Return the name of a management or virtual display."""
    name: str = _data()["displays"][device.vendor]
    return name


def gpus(bus: Bus) -> tuple[Gpu, ...]:
    """Return the discrete GPUs on a bus, in the bus' order."""
    return tuple(
        Gpu(VENDOR_IDS[device.vendor], device, cards().get((device.vendor, device.device)))
        for device in bus.devices
        if sort_of(device) is Sort.GPU
    )
