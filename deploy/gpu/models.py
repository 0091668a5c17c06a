"""Names of models: one spelling of each, in the inventory as in claims and on labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploy.catalog import gpu as names
from deploy.model import Allocation, Cluster, Gpus, Vendor
from deploy.model.gpu_rules import entries
from deploy.model.mistake import Mistake, Place
from deploy.observe.cards import Gpu, cards


def models(vendor: Vendor) -> tuple[str, ...]:
    """Return the known models of a vendor, each once."""
    return tuple(dict.fromkeys(card.model for card in cards().values() if card.vendor is vendor))


def longer(vendor: Vendor, model: str) -> tuple[str, ...]:
    """Return the known models whose names go on where this one ends: RTX 4070 Ti, H100 NVL."""
    return tuple(each for each in models(vendor) if each.startswith(f"{model} "))


def mistakes(cluster: Cluster) -> list[Mistake]:
    """Return the names by which no driver and no device plugin would ever find a card."""
    return [
        Mistake(place, text)
        for place, gpus in _unknown(cluster)
        if (text := _other_spelling(gpus) or _others(gpus) or _nobodys(gpus))
    ]


def warnings(cluster: Cluster) -> list[Mistake]:
    """Return the names of which nothing can be said before a driver has published its cards."""
    found = []
    for place, gpus in _unknown(cluster):
        text = f'"{gpus.model}" is not known here: pods get cards that have it in their product name, and'
        found.append(Mistake(place, f"{text} neither memory nor link is judged"))
    # product_name is there on some server cards alone (docs.kernel.org gpu/amdgpu/driver-misc), and all that
    # ROCm/k8s-gpu-dra-driver 2622427 pkg/amdgpu/amdgpu.go goes by
    for place, _, gpus in entries(cluster):
        if _is_radeon(gpus) and gpus.allocation is Allocation.DRA:
            text = (
                "AMD's DRA driver tells no product name of a Radeon as a rule, and claims by model then wait"
            )
            found.append(Mistake((*place, "model"), f"{text}; use allocation: device-plugin"))
    return found


def _is_radeon(gpus: Gpus) -> bool:
    return gpus.vendor is Vendor.AMD and not gpus.model.startswith("MI")


def may_be(card: Gpu, gpus: Gpus) -> bool:
    """Say whether a card on the bus is a declared one; one of an unknown id may have any name.

    But for Intel's: its driver has no name for a card whose id it does not know.
    """
    if card.vendor is not gpus.vendor:
        return False
    if card.card is None:
        return names.names(card.vendor).model.names == "words"
    return card.model == gpus.model


def _unknown(cluster: Cluster) -> Iterator[tuple[Place, Gpus]]:
    for place, _, gpus in entries(cluster):
        if gpus.model not in models(gpus.vendor):
            yield (*place, "model"), gpus


def _other_spelling(gpus: Gpus) -> str | None:
    known = {_plain(name): name for name in models(gpus.vendor)}
    name = known.get(_plain(gpus.model))
    return f'"{gpus.model}" is written {name}' if name else None


def _others(gpus: Gpus) -> str | None:
    """Refuse another vendor's card: its driver would be waited for, and never find one."""
    for vendor in Vendor:
        if name := next((each for each in models(vendor) if _plain(each) == _plain(gpus.model)), None):
            return f"{name} is a card of {vendor}, and the vendor here is {gpus.vendor}; correct one of them"
    return None


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def _nobodys(gpus: Gpus) -> str | None:
    """Refuse an Intel that is not known: its driver has names for the same cards, its plugin wants their ids.

    A card that is not in intel/intel-resource-drivers-for-kubernetes pkg/gpu/device/models.go is published as
    "Unknown". The other vendors' drivers publish a product name, whatever the card.
    """
    if gpus.vendor is not Vendor.INTEL:
        return None
    return f'no card of intel is called "{gpus.model}"; there are: {", ".join(models(gpus.vendor))}'
