"""Models before they are installed: what is declared for them against their needs, and against the hosts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from checks.finding import Severity
from checks.preflight.verdicts import (
    ClusterJudge,
    Everyone,
    Said,
    failed,
    passed,
    skipped,
    unavailable,
)
from checks.say import listed
from deploy.errors import InventoryError
from deploy.gpu.need import GIB, amount
from deploy.model.serving import Model
from deploy.observe.system import System
from deploy.serving import fit, placing, timing, together
from deploy.serving.together import Crowd, Load

NONE = "no model is declared"
DECLARE = "Set models[].config to the model's config.json, from its repository, or models[].kv_cache"
# checks SRV-01: what NCCL, RCCL and oneCCL put into /dev/shm for one group of GPUs
SHARED = 2 * GIB
# checks SRV-05: a disk over a network, and a server's start beside its weights; the least time to end
SLOW, START, GRACE = 200 * 10**6, 300, 120


@dataclass(frozen=True, slots=True)
class Resource:
    """What models ask nodes for: how much one replica asks for, and how much a host has."""

    name: str
    asked: Callable[[Model], str]
    there: Callable[[System], int | None]
    said: Callable[[Decimal | int], str]

    def of(self, everyone: Everyone, names: Collection[str]) -> dict[str, int]:
        """Return how much of it these nodes have; nothing where one of them was not read."""
        read = {each.host: each.system for each in everyone.hosts if each.system and each.host in names}
        found = {name: self.there(system) for name, system in read.items()}
        known = {name: size for name, size in found.items() if size is not None}
        return known if len(known) == len(names) else {}


RESOURCES = (
    Resource(
        "of memory",
        lambda model: model.memory,
        lambda system: None if system.memory_kib is None else system.memory_kib * 1024,
        lambda size: fit.gib(int(size)),
    ),
    Resource("CPUs", lambda model: model.cpu, lambda system: system.cpus, lambda size: f"{float(size):g}"),
)


def shared_memory(everyone: Everyone) -> Said:
    """What several GPUs of one model say to each other fits into /dev/shm."""
    split = [model for model in everyone.cluster.models if model.shards > 1]
    wanted = f">= {fit.gib(SHARED)} for a model on several GPUs"
    if not split:
        return skipped("no model is declared that is split over several GPUs")
    said = [f"{model.name} {fit.shared_memory(model)}" for model in split]
    small = [model.name for model in split if amount(fit.shared_memory(model)) < SHARED]
    return failed(listed(said), wanted) if small else passed(listed(said), wanted)


def memory(everyone: Everyone) -> Said:
    """Weights and cache fit into the GPUs or the pod, and the pod into a node's memory."""
    models = everyone.cluster.models
    if not models:
        return skipped(NONE)
    wrong = [text for model in models for text in _unfit(everyone, model)]
    if wrong := wrong or [*_crowded(everyone)]:
        return failed("; ".join(wrong), "weights, engine and the KV cache of one sequence fit")
    unread = [host for host in everyone.hosts if host.system is None]
    if unread:
        return unavailable(f"system: {unread[0].cause('system')}")
    fits = [(model, fit.of(everyone.cluster, model)) for model in models]
    said = listed([f"{model.name}: {seen.text}" for model, seen in fits], 3)
    if unknown := [seen.text for _, seen in fits if seen.fits is None]:
        return unavailable("; ".join(unknown))
    if blind := [f"{model.name}: {seen.unjudged}" for model, seen in fits if seen.unjudged]:
        wanted = "models[].config, the model's config.json, or models[].kv_cache"
        said = "; ".join(f"{model.name}: {seen.text}" for model, seen in fits)
        return failed("; ".join(blind), wanted, detail=said, severity=Severity.WARNING, remedy=DECLARE)
    crowded = [f"{model.name}: {seen.crowded}" for model, seen in fits if seen.crowded]
    return passed(said if not crowded else f"{said} ({'; '.join(crowded)})", "less than there is")


def _unfit(everyone: Everyone, model: Model) -> Iterator[str]:
    try:
        seen = fit.of(everyone.cluster, model)
        able = {node.name for node in placing.nodes(everyone.cluster, model)}
    except InventoryError as error:
        yield f"{model.name}: {error}"
        return
    if seen.fits is False:
        yield f"{model.name}: {seen.text}"
    for resource in RESOURCES:
        sizes = resource.of(everyone, able)
        asked = resource.asked(model)
        # a node that was not read may be the one with room
        if sizes and max(sizes.values()) < amount(asked):
            name = max(sizes, key=lambda each: sizes[each])
            has = resource.said(sizes[name])
            yield f"{model.name} asks for {asked} {resource.name}, and {name}, the largest, has {has}"


def _crowded(everyone: Everyone) -> Iterator[str]:
    """Yield where models ask together for more than the nodes have that can run them."""
    crowds = together.crowds(everyone.cluster, everyone.cluster.models)
    for resource in RESOURCES:
        for load in together.over(_loads(everyone, resource, crowds)):
            who = " and ".join(_times(model) for model in load.crowd.models)
            where = ", ".join(node.name for node in everyone.cluster.nodes if node.name in load.crowd.names)
            asked, there = resource.said(load.asked), resource.said(load.there)
            yield f"{who} ask for {asked} {resource.name} together, and there is {there} on {where}"


def _loads(everyone: Everyone, resource: Resource, crowds: Sequence[Crowd]) -> Iterator[Load]:
    for crowd in crowds:
        asked = sum((each.replicas * amount(resource.asked(each)) for each in crowd.models), Decimal())
        if sizes := resource.of(everyone, crowd.names):
            yield Load(crowd, asked, sum(sizes.values()))


def _times(model: Model) -> str:
    return f"{model.replicas} times {model.name}" if model.replicas > 1 else model.name


def patience(everyone: Everyone) -> Said:
    """A server is waited for while it loads, and may end what it has begun."""
    models = everyone.cluster.models
    if not models:
        return skipped(NONE)
    said, hasty = [], False
    for model in models:
        times, needs = timing.of(model), START + int(amount(model.weights)) // SLOW
        said.append(f"{model.name} {times.startup} of {needs} s to load, {times.grace} of {GRACE} s to end")
        hasty = hasty or times.startup < needs or times.grace < GRACE
    wanted = f"size/200 MB/s + {START} s to load, {GRACE} s to end"
    return failed(listed(said), wanted) if hasty else passed(listed(said), wanted)


CLUSTER_JUDGES: dict[str, ClusterJudge] = {
    "SRV-01": shared_memory,
    "SRV-02": memory,
    "SRV-05": patience,
}
