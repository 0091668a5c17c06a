"""The face of GPUs on a lab host: what /sys and /dev say of them, put over the host's own; all simulated."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field

from deploy.lab.errors import LabUsageError

TABLE = Path(__file__).with_name("hardware.yaml")
PLACE = "/run/slipway-face"
COVERED = ("bus", "devices", "class", "module")
GIB = 1024**3
FIRST_BUS = 0x41
DRM_MAJOR, NVIDIA_MAJOR, KFD_MAJOR = 226, 195, 510


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Model(_Section):
    """A card as hardware.yaml describes it."""

    vendor: str
    device: str
    pci_class: Annotated[str, Field(alias="class")]
    drivers: tuple[str, ...]
    bar: float
    link: tuple[int, float]
    version: str | None = None
    own_switch: bool = False
    integrated: bool = False


class Broken(_Section):
    """What is wrong with one card; what is not said is right."""

    of: int
    link: tuple[int, float] | None = None
    bar: float | None = None
    driver: str | None = ""
    node: bool = True


class Profile(_Section):
    """A host's cards."""

    title: str
    cards: tuple[str, ...]
    broken: Broken | None = None
    iommu: bool = False
    numa: int = 0
    kfd: bool = True


class _Table(_Section):
    models: dict[str, Model]
    profiles: dict[str, Profile]


@dataclass(frozen=True, slots=True)
class Card:
    """One card in its slot, right or wrong."""

    model: Model
    place: int
    bar: float
    width: int
    speed: float
    driver: str | None
    node: bool

    @property
    def buses(self) -> tuple[str, ...]:
        """The PCI devices on the way to the card, the card last."""
        if self.model.integrated:
            return ("0001:00:02.0",)
        bus = FIRST_BUS + 4 * self.place
        root = f"0000:40:{self.place + 1:02x}.0"
        if not self.model.own_switch:
            return (root, f"0000:{bus:02x}:00.0")
        return (root, f"0000:{bus:02x}:00.0", f"0000:{bus + 1:02x}:01.0", f"0000:{bus + 2:02x}:00.0")

    @property
    def slot(self) -> str:
        """Where the card itself is."""
        return self.buses[-1]


@lru_cache(maxsize=1)
def _table() -> _Table:
    return _Table.model_validate(yaml.safe_load(TABLE.read_text()))


def profiles() -> dict[str, Profile]:
    """Return every profile by its name."""
    return _table().profiles


def cards(profile: Profile) -> tuple[Card, ...]:
    """Return a profile's cards, with what is broken on one of them."""
    return tuple(
        _card(_table().models[name], place, profile.broken) for place, name in enumerate(profile.cards)
    )


def _card(model: Model, place: int, broken: Broken | None) -> Card:
    wrong = broken if broken and broken.of == place else None
    width, speed = (wrong.link if wrong else None) or model.link
    return Card(
        model=model,
        place=place,
        bar=wrong.bar if wrong and wrong.bar is not None else model.bar,
        width=width,
        speed=speed,
        driver=wrong.driver if wrong and wrong.driver != "" else model.drivers[0],
        node=wrong.node if wrong else True,
    )


def script(name: str) -> str:
    """Return the sh script that puts a profile's face on a host; it takes any earlier one off first."""
    if name not in profiles():
        raise LabUsageError(f"there is no hardware {name!r}; known are: {', '.join(profiles())}")
    profile = profiles()[name]
    lines = [OFF, f"mkdir -p {PLACE} && mount -t tmpfs face {PLACE}"]
    lines += [f"mkdir -p {PLACE}/{top}" for top in COVERED]
    for card in cards(profile):
        lines += _files(card, profile)
        lines += _nodes(card)
    lines += _kfd(profile)
    lines += [f"mount -t overlay overlay -o lowerdir={PLACE}/{top}:/sys/{top} /sys/{top}" for top in COVERED]
    return "set -e\n" + "\n".join(lines) + "\n"


OFF = "\n".join(
    [
        f"for t in {' '.join(COVERED)}; do",
        '  while grep -q "^overlay /sys/$t overlay" /proc/mounts; do umount -l /sys/$t; done',
        "done",
        f"while grep -q ' {PLACE} ' /proc/mounts; do umount -l {PLACE}; done",
        f"[ ! -d {PLACE} ] || rmdir {PLACE}",
        "rm -rf /dev/dri /dev/kfd /dev/nvidia[0-9]*",
    ]
)


def _write(path: str, text: str) -> str:
    return f"printf '%s\\n' {shlex.quote(text)} > {PLACE}/{path}"


def _files(card: Card, profile: Profile) -> Iterator[str]:
    """Yield what makes the card's directories, from its root port down."""
    path = f"devices/pci{card.buses[0][:7]}"
    yield f"mkdir -p {PLACE}/bus/pci/devices"
    for depth, slot in enumerate(card.buses):
        path = f"{path}/{slot}"
        own = depth == len(card.buses) - 1
        yield f"mkdir -p {PLACE}/{path}"
        yield from _device(path, card, depth, profile) if own else _bridge(path, card, depth)
        yield f"ln -sfn ../../../{path} {PLACE}/bus/pci/devices/{slot}"


def _bridge(path: str, card: Card, depth: int) -> Iterator[str]:
    """A root port, or a port of the card's own switch, of which only the upper one carries the real link."""
    vendor, device = ("8086", "0e02") if depth == 0 else (card.model.vendor, "4fa0")
    yield from _identity(path, vendor, device, "060400", header=1)
    real = depth < 2
    yield from _link(
        path, card.width if real else 1, card.speed if real else 2.5, card.model.link if real else (1, 2.5)
    )


def _device(path: str, card: Card, depth: int, profile: Profile) -> Iterator[str]:
    model = card.model
    yield from _identity(path, model.vendor, model.device, model.pci_class, header=0)
    yield _write(f"{path}/resource", _resource(card))
    yield _write(f"{path}/boot_vga", "0")
    numa = -1 if model.integrated else profile.numa
    yield _write(f"{path}/numa_node", str(numa))
    if not model.integrated:
        behind = model.own_switch and depth > 1
        link, most = ((1, 2.5), (1, 2.5)) if behind else ((card.width, card.speed), model.link)
        yield from _link(path, link[0], link[1], most)
    if card.driver:
        yield f"mkdir -p {PLACE}/bus/pci/drivers/{card.driver} {PLACE}/module/{card.driver}"
        yield f"ln -sfn /sys/bus/pci/drivers/{card.driver} {PLACE}/{path}/driver"
        if model.version:
            yield _write(f"module/{card.driver}/version", model.version)
    if profile.iommu:
        yield f"ln -sfn /sys/kernel/iommu_groups/{card.place + 10} {PLACE}/{path}/iommu_group"
    if _has_drm(card):
        for node in (f"card{card.place}", f"renderD{128 + card.place}"):
            yield f"mkdir -p {PLACE}/{path}/drm/{node} {PLACE}/class/drm"
            yield f"ln -sfn ../../{path}/drm/{node} {PLACE}/class/drm/{node}"


def _identity(path: str, vendor: str, device: str, pci_class: str, header: int) -> Iterator[str]:
    for name, value in {"vendor": f"0x{vendor}", "device": f"0x{device}", "class": f"0x{pci_class}"}.items():
        yield _write(f"{path}/{name}", value)
    yield _write(f"{path}/irq", "0")
    yield _write(f"{path}/resource", "\n".join(["0x0000000000000000 " * 2 + "0x0000000000000000"] * 13))
    space = struct.pack(
        "<HHHHBBBBBBBB48x",
        *(int(vendor, 16), int(device, 16), 0x0406, 0x0010),
        *(0, *reversed(bytes.fromhex(pci_class)), 0, 0, header, 0),
    )
    octal = "".join(f"\\{byte:03o}" for byte in space)
    yield f"printf '{octal}' > {PLACE}/{path}/config"


def _link(path: str, width: int, speed: float, most: tuple[int, float]) -> Iterator[str]:
    yield _write(f"{path}/current_link_width", str(width))
    yield _write(f"{path}/max_link_width", str(most[0]))
    yield _write(f"{path}/current_link_speed", f"{speed:.1f} GT/s PCIe")
    yield _write(f"{path}/max_link_speed", f"{most[1]:.1f} GT/s PCIe")


def _resource(card: Card) -> str:
    first = 0x40_0000_0000_00 + card.place * 0x100_0000_0000
    size = int(card.bar * GIB)
    none = "0x0000000000000000 0x0000000000000000 0x0000000000000000"
    return "\n".join(
        [none, none, f"0x{first:016x} 0x{first + size - 1:016x} 0x000000000014220c", *[none] * 10]
    )


def _has_drm(card: Card) -> bool:
    return card.driver in ("xe", "i915", "amdgpu", "nvidia")


def _nodes(card: Card) -> Iterator[str]:
    """Yield what makes the device nodes; nothing answers behind them."""
    if _has_drm(card) and card.node:
        number = 128 + card.place
        yield f"mkdir -p /dev/dri && mknod /dev/dri/renderD{number} c {DRM_MAJOR} {number}"
        yield f"mknod /dev/dri/card{card.place} c {DRM_MAJOR} {card.place}"
    if card.driver == "nvidia" and card.node:
        yield f"mknod /dev/nvidia{card.place} c {NVIDIA_MAJOR} {card.place}"


def _kfd(profile: Profile) -> Iterator[str]:
    amd = [card for card in cards(profile) if card.driver == "amdgpu"]
    if amd and profile.kfd:
        yield f"mknod /dev/kfd c {KFD_MAJOR} 0"
        for card in amd:
            node = f"class/kfd/kfd/topology/nodes/{card.place + 1}"
            yield f"mkdir -p {PLACE}/{node}"
            yield _write(f"{node}/gpu_id", str(1000 + card.place))
