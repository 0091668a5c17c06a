"""Who brings the kernel driver of a host's GPUs, and what of it an apply will do by itself."""

from __future__ import annotations

from collections.abc import Sequence

from checks.preflight.verdicts import Case
from deploy.model import DriverSource, Vendor
from deploy.observe.cards import Gpu

# drivers of the kernel's own that gpu-hosts keeps from the next boot, so that the vendor's has the cards
GIVES_WAY = {Vendor.NVIDIA: "nouveau"}


def is_operators(case: Case, vendor: Vendor) -> bool:
    """Say whether the host declares cards of the vendor, and their driver is its operator's to bring."""
    wish = case.node.gpus
    mine = wish is not None and wish.vendor is vendor
    return mine and case.cluster.gpu.stack(vendor).driver is DriverSource.OPERATOR


def bringer(case: Case, cards: Sequence[Gpu]) -> str | None:
    """Return the phase of an apply that brings these cards' driver; None where none does.

    A card that another driver holds stays with it until somebody takes it away, which a reboot does with one
    that gives way.
    """
    wish = case.node.gpus
    if wish is None or not cards or any(card.vendor is not wish.vendor for card in cards):
        return None
    bound = {card.device.driver for card in cards if card.device.driver}
    if bound - {GIVES_WAY.get(wish.vendor)}:
        return None
    phases = {DriverSource.PACKAGES: "gpu-hosts", DriverSource.OPERATOR: f"gpu-{wish.vendor}"}
    brings = phases.get(case.cluster.gpu.stack(wish.vendor).driver)
    return f"{brings} with a reboot, which `apply --reboot` gives" if brings and bound else brings
