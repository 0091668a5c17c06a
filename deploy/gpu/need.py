"""What a workload needs of GPUs, and which nodes of a cluster can give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from deploy.errors import InventoryError
from deploy.gpu.parts import profile_of
from deploy.model import Allocation, Cluster, Gpus, Node, Vendor
from deploy.observe.cards import cards

GIB = 1024**3
SUFFIXES: dict[str, int | Decimal] = {
    "": 1,
    "m": Decimal("0.001"),
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
}
SUFFIXES |= {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50}


class NeedError(InventoryError):
    """A workload asks for GPUs that the cluster has not, or cannot give in that way."""


@dataclass(frozen=True, slots=True)
class Need:
    """GPUs of one vendor for one pod, or with `shared` for all pods that name the same claim.

    `models` in the order of preference; none means every declared one. `memory` is the least per GPU,
    such as 15Gi: cards report a little less than they are sold with. `profile` asks for parts of a GPU
    instead of whole ones: 1g.10gb, cpx_nps4.
    """

    vendor: Vendor
    count: int = 1
    models: tuple[str, ...] = ()
    memory: str | None = None
    profile: str | None = None
    shared: bool = False


def amount(quantity: str) -> Decimal:
    """Return the number that a Kubernetes quantity such as 16Gi stands for."""
    number = quantity.rstrip("".join(set("".join(SUFFIXES))))
    return Decimal(number) * SUFFIXES[quantity[len(number) :]]


def declared(cluster: Cluster, vendor: Vendor) -> tuple[str, ...]:
    """Return the models of a vendor that the inventory names, each once, in its order."""
    return tuple(dict.fromkeys(gpus.model for _, gpus in cluster.declared_gpus(vendor)))


def nodes_for(cluster: Cluster, need: Need) -> tuple[tuple[Node, Gpus], ...]:
    """Return what fits of the nodes' GPUs, those with DRA alone where there are some; none is an error.

    A node is there once for each of its models that fits and of which it has enough: all GPUs of a pod are of
    one model.
    """
    every = cluster.declared_gpus(need.vendor)
    if not every:
        raise NeedError(f"no node has GPUs of {need.vendor}; declare them in nodes[].gpus")
    fitting = [(node, gpus) for node, gpus in every if _fits(gpus, need)]
    if not fitting:
        there = ", ".join(f"{gpus.count} {gpus.model}{_cut(gpus)} on {node.name}" for node, gpus in every)
        raise NeedError(f"no node has {_said(need)}; there are: {there}{_nearly(every, need)}")
    largest = max(gpus.count for _, gpus in fitting)
    if not need.profile and largest < need.count:
        alike = " of one model" if len({node.name for node, _ in fitting}) < len(fitting) else ""
        text = f"no node has {need.count} of {_said(need)}, the largest has {largest}{alike}; ask for less"
        raise NeedError(text)
    enough = [each for each in fitting if need.profile or each[1].count >= need.count]
    by_claim = [(node, gpus) for node, gpus in enough if gpus.allocation is Allocation.DRA]
    return tuple(by_claim or enough)


def _fits(gpus: Gpus, need: Need) -> bool:
    if need.models and gpus.model not in need.models:
        return False
    if need.profile != profile_of(gpus):
        return False
    sizes = _sizes(gpus)
    # of 16 GiB an A770 reports 16288 MiB: no card has all that it is sold with
    return not (need.memory and sizes) or need.profile is not None or max(sizes) > amount(need.memory)


def _nearly(every: Sequence[tuple[Node, Gpus]], need: Need) -> str:
    """Say that parts are there of what is asked for whole, or that a card of just that size is too small."""
    cut = [profile_of(gpus) for _, gpus in every if not need.models or gpus.model in need.models]
    if need.profile is None and any(cut):
        return f"; parts of a GPU are asked for by profile: {next(filter(None, cut))}"
    if not need.memory:
        return ""
    exact = (gpus.model for _, gpus in every if amount(need.memory) in _sizes(gpus))
    model = next(exact, None)
    said = f"; of {need.memory} the driver of {model} reports a little less: ask for a gibibyte less"
    return said if model else ""


def memory_of(gpus: Gpus) -> int | None:
    """Return the bytes of memory that every card of the model has; None when the model is not known."""
    return min(_sizes(gpus), default=None)


def _sizes(gpus: Gpus) -> list[int]:
    return [
        int(card.memory * GIB)
        for card in cards().values()
        if card.vendor is gpus.vendor and card.model == gpus.model
    ]


def _cut(gpus: Gpus) -> str:
    profile = profile_of(gpus)
    return f" cut to {profile}" if profile else ""


def _said(need: Need) -> str:
    text = " or ".join(need.models) or f"a GPU of {need.vendor}"
    text += f" with {need.memory}" if need.memory else ""
    return f"{text} cut to {need.profile}" if need.profile else text
