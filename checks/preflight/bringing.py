"""Who brings the kernel driver of a host's GPUs, and what of it an apply will do by itself."""

from __future__ import annotations

from collections.abc import Sequence

from checks.preflight.verdicts import Case, Said, failed
from checks.say import listed
from deploy.catalog import gpu_support
from deploy.model import DriverSource, Vendor
from deploy.observe.cards import Gpu

# drivers of the kernel's own that gpu-hosts keeps from the next boot, so that the vendor's has the cards
GIVES_WAY = {Vendor.NVIDIA: "nouveau"}
# packages that bring headers to build with, or modules that are built already, as kernels do
READY = ("linux-headers-", "linux-modules-", "linux-image-", "linux-generic", "linux-oem-")


def is_operators(case: Case, vendor: Vendor) -> bool:
    """Say whether the host declares cards of the vendor, and their driver is its operator's to bring."""
    mine = vendor in case.node.gpu_vendors
    return mine and case.cluster.gpu.stack(vendor).driver is DriverSource.OPERATOR


def bringer(case: Case, cards: Sequence[Gpu]) -> str | None:
    """Return the phases of an apply that bring these cards' drivers; None where one of them has none.

    A card that another driver holds stays with it until somebody takes it away, which a reboot does with one
    that gives way.
    """
    vendors = sorted({card.vendor for card in cards})
    phases = dict.fromkeys(_brings(case, vendor) for vendor in vendors)
    bound = [card for card in cards if card.device.driver]
    if None in phases or any(card.device.driver != GIVES_WAY.get(card.vendor) for card in bound):
        return None
    brings = " and ".join(filter(None, phases))
    return f"{brings} with a reboot, which `apply --reboot` gives" if brings and bound else brings or None


def _brings(case: Case, vendor: Vendor) -> str | None:
    phases = {DriverSource.PACKAGES: "gpu-hosts", DriverSource.OPERATOR: f"gpu-{vendor}"}
    declared = vendor in case.node.gpu_vendors
    return phases.get(case.cluster.gpu.stack(vendor).driver) if declared else None


def without_headers(case: Case, cards: Sequence[Gpu]) -> str | None:
    """Return what to do where the packages of these cards' drivers bring no headers; else None.

    DKMS only recommends headers, and apt is told to install nothing that is only recommended.
    """
    stacks = {card.vendor: case.cluster.gpu.stack(card.vendor) for card in cards}
    if any(name.startswith(READY) for stack in stacks.values() for name in stack.packages):
        return None
    vendor = next(each for each, stack in stacks.items() if stack.driver is not DriverSource.HOST)
    return (
        f"Name linux-headers-amd64 (Ubuntu: linux-headers-generic) under gpu.{vendor}.packages, or install"
        " the kernel's on the host: DKMS builds nothing without them"
    )


def driverless(case: Case, vendor: Vendor) -> Said | None:
    """Return what is wrong where a vendor's operator has no driver for the host's system; else None.

    A manifest of one's own may bring any, and is not judged.
    """
    system, known = case.known(case.host.system, "system"), gpu_support.load().operator_drivers[vendor]
    if case.cluster.gpu.stack(vendor).manifest or system.os_version in known.get(system.os or "", ()):
        return None
    there = [f"{name.capitalize()} {version}" for name, versions in known.items() for version in versions]
    name = system.os_name or system.os or "a system without a name"
    return failed(
        f"{name}, for which {vendor}'s operator has no driver",
        f"{listed(there)} with gpu.{vendor}.driver: operator",
        remedy=f"Say gpu.{vendor}.driver: packages, and name under packages what brings it on this system",
    )
