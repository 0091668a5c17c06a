"""What models ask for together: where it is more than their nodes have, some of their pods wait for ever."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deploy.gpu import parts
from deploy.gpu.need import NeedError
from deploy.model import Cluster, Gpus, Node, Vendor
from deploy.model.mistake import Mistake
from deploy.model.serving import Model
from deploy.serving import placing

# a node's name, and the model of its cards where these are meant
Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Models that can run nowhere else than in these places: on nodes, or on the cards of a node's model."""

    models: tuple[Model, ...]
    places: frozenset[Place]

    @property
    def names(self) -> frozenset[str]:
        """The names of the nodes."""
        return frozenset(node for node, _ in self.places)


@dataclass(frozen=True, slots=True)
class Load:
    """How much of something a crowd asks for, and how much its nodes have."""

    crowd: Crowd
    asked: Decimal | int
    there: int


def crowds(cluster: Cluster, models: Sequence[Model], *, of_cards: bool = False) -> list[Crowd]:
    """Return for each set of places that a model may run in who can run only there, the smallest set first.

    Places are nodes, or with `of_cards` their cards by model.
    """
    able: list[tuple[Model, frozenset[Place]]] = []
    for model in models:
        try:
            on = _cards(cluster, model) if of_cards else _nodes(cluster, model)
        except NeedError:
            continue
        able.append((model, on))
    sets = {places for _, places in able if places}
    if sets:
        sets.add(frozenset.union(*sets))
    return [
        Crowd(tuple(model for model, on in able if on and on <= places), places)
        for places in sorted(sets, key=lambda places: (len(places), sorted(places)))
    ]


def _nodes(cluster: Cluster, model: Model) -> frozenset[Place]:
    return frozenset((node.name, "") for node in placing.nodes(cluster, model))


def _cards(cluster: Cluster, model: Model) -> frozenset[Place]:
    return frozenset((node.name, gpus.model) for node, gpus in placing.gpus(cluster, model))


def over(loads: Iterable[Load]) -> Iterator[Load]:
    """Yield what is too much, and nothing that is so only because of a smaller crowd within it."""
    found: list[Load] = []
    for load in loads:
        if load.asked > load.there and not any(each.crowd.places <= load.crowd.places for each in found):
            found.append(load)
            yield load


def gpu_mistakes(cluster: Cluster) -> Iterator[Mistake]:
    """Yield where replicas ask for more whole GPUs than there are; how many parts cards make, they say."""
    for vendor in Vendor:
        wanting = [
            model
            for model in cluster.models
            if model.gpus and model.gpus.vendor is vendor and model.gpus.profile is None
        ]
        crowded = crowds(cluster, wanting, of_cards=True)
        for load in over(
            Load(each, _asked(each), _room(each, _pools(cluster, vendor, each))) for each in crowded
        ):
            last = max(cluster.models.index(model) for model in load.crowd.models)
            who = " and ".join(_said(model) for model in load.crowd.models)
            has = ", ".join(_has(node, gpus) for node, gpus in _pools(cluster, vendor, load.crowd))
            text = f"{who} are {load.asked} GPUs, and there is room for {load.there}: {has}"
            yield Mistake(("models", last, "gpus"), f"{text}; lower count or replicas, or declare more GPUs")


def _asked(crowd: Crowd) -> int:
    return sum(model.replicas * model.gpus.count for model in crowd.models if model.gpus)


def _pools(cluster: Cluster, vendor: Vendor, crowd: Crowd) -> list[tuple[Node, Gpus]]:
    every = cluster.declared_gpus(vendor)
    return [(node, gpus) for node, gpus in every if (node.name, gpus.model) in crowd.places]


def _room(crowd: Crowd, pools: Iterable[tuple[Node, Gpus]]) -> int:
    """Return how many GPUs the models can get: a pod's are of one node and model, some may be left over."""
    step = math.gcd(*(model.gpus.count for model in crowd.models if model.gpus))
    return sum(parts.devices(gpus) // step * step for _, gpus in pools)


def _has(node: Node, gpus: Gpus) -> str:
    """Say how many there are; of which model where the node has others, too."""
    model = f" {gpus.model}" if len(node.gpus_of(gpus.vendor)) > 1 else ""
    return f"{parts.devices(gpus)}{model} on {node.name}"


def _said(model: Model) -> str:
    count = model.gpus.count if model.gpus else 0
    return (
        f"{model.name}'s {count}" if model.replicas == 1 else f"{model.name}'s {model.replicas} times {count}"
    )
