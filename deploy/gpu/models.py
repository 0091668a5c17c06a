"""Names of models: one spelling of each, in the inventory as in claims and on labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from deploy.model import Cluster, Gpus, Vendor
from deploy.model.mistake import Mistake, Place
from deploy.observe.cards import cards


def models(vendor: Vendor) -> tuple[str, ...]:
    """Return the known models of a vendor, each once."""
    return tuple(dict.fromkeys(card.model for card in cards().values() if card.vendor is vendor))


def mistakes(cluster: Cluster) -> list[Mistake]:
    """Return the names by which no driver and no device plugin would ever find a card."""
    return [
        Mistake(place, text)
        for place, gpus in _unknown(cluster)
        if (text := _other_spelling(gpus) or _nobodys(gpus))
    ]


def _unknown(cluster: Cluster) -> Iterator[tuple[Place, Gpus]]:
    for index, node in enumerate(cluster.nodes):
        if node.gpus and node.gpus.model not in models(node.gpus.vendor):
            yield ("nodes", index, "gpus", "model"), node.gpus


def _other_spelling(gpus: Gpus) -> str | None:
    known = {_plain(name): name for name in models(gpus.vendor)}
    name = known.get(_plain(gpus.model))
    return f'"{gpus.model}" is written {name}' if name else None


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
