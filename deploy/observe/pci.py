"""The display and compute devices on a host's PCI bus, with all that sysfs says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, number, words

# class 0x03: display controllers; 0x12: processing accelerators, which is what Instinct cards are
COMMAND = """
[ -d /sys/bus/pci/devices ] || { echo nobus; exit 0; }
echo bus
[ -d /run/slipway-face ] && echo simulated
r() { v=; IFS= read -r v < "$1"; }
for d in /sys/bus/pci/devices/*; do
  r "$d/class"; class=$v
  case $class in 0x03*|0x12*) ;; *) continue ;; esac
  real=$(readlink -f "$d"); driver=$(readlink "$d/driver"); group=$(readlink "$d/iommu_group")
  r "$d/vendor"; vendor=$v; r "$d/device"; device=$v; r "$d/numa_node"; numa=$v; r "$d/boot_vga"; vga=$v
  ids="class=$class vendor=$vendor device=$device"
  echo "gpu slot=${d##*/} $ids driver=${driver##*/} numa=$numa vga=$vga group=${group##*/}"
  while read -r from to flags; do echo "bar ${d##*/} $from $to $flags"; done < "$d/resource"
  for n in "$d"/drm/*; do
    [ -e "$n" ] && echo "drm ${d##*/} ${n##*/} $([ -e "/dev/dri/${n##*/}" ] && echo node)"
  done
  p=$real
  while [ -e "$p/vendor" ]; do
    r "$p/vendor"; vendor=$v; r "$p/current_link_width"; w=$v; r "$p/max_link_width"; mw=$v
    r "$p/current_link_speed"; s=${v%% *}; r "$p/max_link_speed"; ms=${v%% *}
    echo "hop slot=${d##*/} at=${p##*/} vendor=$vendor width=$w max_width=$mw speed=$s max_speed=$ms"
    p=${p%/*}
  done
done
:
"""
_HEX = re.compile(r"^0x[0-9a-fA-F]{1,16}$")


@dataclass(frozen=True, slots=True)
class Hop:
    """A device on the way from the GPU to the root port; speed in GT/s."""

    at: str
    vendor: str
    width: int | None
    max_width: int | None
    speed: float | None
    max_speed: float | None


@dataclass(frozen=True, slots=True)
class Device:
    """A display or compute device; ids as `8086`, class as `030000`. `way` begins at the device itself."""

    slot: str
    pci_class: str
    vendor: str
    device: str
    driver: str | None
    numa: int | None
    boot_vga: bool
    iommu_group: str | None
    largest_bar: int
    nodes: dict[str, bool]
    way: tuple[Hop, ...]

    @property
    def link(self) -> Hop | None:
        """The hop that carries the card's real link.

        A card with a switch of its own reports x1 at 2.5 GT/s for the device behind it; what counts is
        the card's port that is nearest to the root port (Syllo/nvtop#344).
        """
        behind_root = self.way[:-1] if len(self.way) > 1 else self.way
        own = [hop for hop in behind_root if hop.vendor == self.vendor]
        return own[-1] if own else None


@dataclass(frozen=True, slots=True)
class Bus:
    """`present` is False on a machine without a PCI bus, which is an answer too.

    `simulated` is a lab host whose devices are a face without drivers behind it.
    """

    present: bool
    devices: tuple[Device, ...]
    simulated: bool = False


def _id(text: str | None) -> str:
    if text is None or not _HEX.match(text):
        raise UnreadableError(f"a PCI device says {text!r} for an id")
    return text[2:].lower()


def _speed(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if 0 < found < 1000 else None


def _bar(text: str) -> int:
    """Return the bytes of one line of `resource`: first address, last address, flags."""
    first, last, _ = text.split()
    if not (_HEX.match(first) and _HEX.match(last)) or int(last, 16) == 0:
        return 0
    return max(0, int(last, 16) - int(first, 16) + 1)


def _hop(found: dict[str, str]) -> Hop:
    return Hop(
        at=found.get("at", ""),
        vendor=_id(found.get("vendor")),
        width=number(found.get("width")),
        max_width=number(found.get("max_width")),
        speed=_speed(found.get("speed")),
        max_speed=_speed(found.get("max_speed")),
    )


def parse(text: str) -> Bus:
    """Read the tagged lines of every device."""
    lines = text.splitlines()
    if "bus" not in lines and "nobus" not in lines:
        raise UnreadableError("the PCI bus was not listed")
    gpus = [words(line[4:]) for line in lines if line.startswith("gpu ")]
    devices = []
    for found in gpus:
        slot = found.get("slot", "")
        bars = [
            _bar(line.split(" ", 2)[2])
            for line in lines
            if line.startswith(f"bar {slot} ") and len(line.split()) == 5
        ]
        nodes = [line.split() for line in lines if line.startswith(f"drm {slot} ")]
        hops = [words(line[4:]) for line in lines if line.startswith(f"hop slot={slot} ")]
        devices.append(
            Device(
                slot=slot,
                pci_class=_id(found.get("class")),
                vendor=_id(found.get("vendor")),
                device=_id(found.get("device")),
                driver=found.get("driver") or None,
                numa=number(found.get("numa")),
                boot_vga=found.get("vga") == "1",
                iommu_group=found.get("group") or None,
                largest_bar=max(bars, default=0),
                nodes={node[2]: node[3:] == ["node"] for node in nodes if len(node) > 2},
                way=tuple(_hop(hop) for hop in hops),
            )
        )
    return Bus("bus" in lines, tuple(devices), "simulated" in lines)
