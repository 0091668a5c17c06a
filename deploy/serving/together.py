"""What models ask for together: where it is more than their nodes have, some of their pods wait for ever."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from deploy.gpu import parts
from deploy.gpu.need import NeedError
from deploy.model import Cluster, Node, Vendor
from deploy.model.mistake import Mistake
from deploy.model.serving import Model
from deploy.serving import placing


@dataclass(frozen=True, slots=True)
class Crowd:
    """Models that can run on no other nodes than these."""

    models: tuple[Model, ...]
    nodes: tuple[Node, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of the nodes."""
        return frozenset(node.name for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Load:
    """How much of something a crowd asks for, and how much its nodes have."""

    crowd: Crowd
    asked: Decimal | int
    there: int


def crowds(cluster: Cluster, models: Sequence[Model]) -> list[Crowd]:
    """Return for each set of nodes that a model may run on who can run only there, the smallest set first."""
    able: list[tuple[Model, frozenset[str]]] = []
    for model in models:
        try:
            able.append((model, frozenset(node.name for node in placing.nodes(cluster, model))))
        except NeedError:
            continue
    sets = {names for _, names in able if names}
    if sets:
        sets.add(frozenset.union(*sets))
    return [
        Crowd(
            tuple(model for model, on in able if on and on <= names),
            tuple(node for node in cluster.nodes if node.name in names),
        )
        for names in sorted(sets, key=lambda names: (len(names), sorted(names)))
    ]


def over(loads: Iterable[Load]) -> Iterator[Load]:
    """Yield what is too much, and nothing that is so only because of a smaller crowd within it."""
    found: list[Load] = []
    for load in loads:
        if load.asked > load.there and not any(each.crowd.names <= load.crowd.names for each in found):
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
        for load in over(Load(each, _asked(each), _room(each)) for each in crowds(cluster, wanting)):
            last = max(cluster.models.index(model) for model in load.crowd.models)
            who = " and ".join(_said(model) for model in load.crowd.models)
            has = ", ".join(f"{_there(node)} on {node.name}" for node in load.crowd.nodes)
            text = f"{who} are {load.asked} GPUs, and there is room for {load.there}: {has}"
            yield Mistake(("models", last, "gpus"), f"{text}; lower count or replicas, or declare more GPUs")


def _asked(crowd: Crowd) -> int:
    return sum(model.replicas * model.gpus.count for model in crowd.models if model.gpus)


def _room(crowd: Crowd) -> int:
    """Return how many GPUs the models can get: those of a pod are of one node, and some may be left over."""
    step = math.gcd(*(model.gpus.count for model in crowd.models if model.gpus))
    return sum(_there(node) // step * step for node in crowd.nodes)


def _there(node: Node) -> int:
    return parts.devices(node.gpus) if node.gpus else 0


def _said(model: Model) -> str:
    count = model.gpus.count if model.gpus else 0
    return (
        f"{model.name}'s {count}" if model.replicas == 1 else f"{model.name}'s {model.replicas} times {count}"
    )
