"""Feature gates by Kubernetes minor: what may be asked for, and what must be said to get it.

`gates.yaml` says what every gate is since which minor; `gates_groups.yaml` what an API group needs on top.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from deploy.catalog.entries import minor_of
from deploy.model import Cluster
from deploy.model.mistake import Mistake, Place

GATES = Path(__file__).with_name("gates.yaml")
GROUPS = Path(__file__).with_name("gates_groups.yaml")
DRA = "resource.k8s.io"
PLACE: Place = ("kubernetes", "feature_gates")
# the minors whose source gates.yaml was read from
MINORS = ("1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
COMPONENTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
# component-base/featuregate: gates over gates, which no table lists
ALL = ("AllAlpha", "AllBeta")
REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a gate is from one minor on: `name` is Alpha, Beta, GA, Deprecated or removed."""

    since: str
    name: str
    on: bool = False
    locked: bool = False

    @property
    def default(self) -> str:
        """The default as a gate's value is written."""
        return str(self.on).lower()


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate's life, oldest stage first; `only` names the component that alone knows it."""

    name: str
    stages: tuple[Stage, ...]
    only: str | None = None

    def at(self, minor: str) -> Stage | None:
        """Return the stage in a minor; None before the gate came."""
        reached = [stage for stage in self.stages if _number(stage.since) <= _number(minor)]
        return reached[-1] if reached else None


@dataclass(frozen=True, slots=True)
class ApiGroup:
    """What makes an API group usable in a minor where it is off: gates, and versions to switch on."""

    gates: Mapping[str, bool]
    runtime_config: tuple[str, ...]


def _number(minor: str) -> tuple[int, ...]:
    return tuple(map(int, minor.split(".")))


def _stage(since: str, text: str) -> Stage:
    name, *state = text.split()
    return Stage(since, name, "on" in state, "locked" in state)


@lru_cache(maxsize=1)
def table() -> dict[str, Gate]:
    """Return every gate that a minor of MINORS knows."""
    always = {name: Gate(name, (Stage(MINORS[0], name.removeprefix("All")),)) for name in ALL}
    read: dict[str, dict[str, str]] = yaml.safe_load(GATES.read_text())
    return always | {
        name: Gate(
            name, tuple(_stage(key, text) for key, text in row.items() if key != "only"), row.get("only")
        )
        for name, row in read.items()
    }


def check(version: str, wanted: Mapping[str, bool]) -> list[Mistake]:
    """Return why gates cannot be had in a version: locked, removed, not there yet, unknown."""
    minor = minor_of(version)
    if minor not in MINORS:
        unknown = f"the feature gates of Kubernetes {minor} are not known, those of {', '.join(MINORS)} are"
        return [Mistake((*PLACE, name), unknown) for name in wanted]
    return [
        Mistake((*PLACE, name), text) for name, on in wanted.items() if (text := _refusal(minor, name, on))
    ]


def _refusal(minor: str, name: str, on: bool) -> str | None:
    gate = table().get(name)
    if gate is None:
        meant = "".join(f"; did you mean {near}?" for near in difflib.get_close_matches(name, table(), n=1))
        return f"Kubernetes {minor} has no such feature gate{meant}"
    stage = gate.at(minor)
    if stage is None:
        return f"the gate comes with Kubernetes {gate.stages[0].since}, this is {minor}; leave it out"
    if stage.name == REMOVED:
        return _removed(gate, stage)
    if stage.locked and on != stage.on:
        return f"the gate is locked to {stage.default} since Kubernetes {stage.since}; leave it out"
    if stage.locked:
        return (
            f"the gate is locked to {stage.default} since Kubernetes {stage.since}, and a later version"
            " refuses to start with it; leave it out"
        )
    return None


def _removed(gate: Gate, stage: Stage) -> str:
    last = gate.at(_before(stage.since))
    was = f", {last.name} and {'on' if last.on else 'off'} since {last.since}" if last else ""
    return (
        f"the gate was removed in Kubernetes {stage.since}{was}; components that are given it do not start;"
        " leave it out"
    )


def _before(minor: str) -> str:
    major, number = _number(minor)
    return f"{major}.{number - 1}"


def warnings(version: str, wanted: Mapping[str, bool]) -> list[Mistake]:
    """Return what may be asked for and is likely to hurt later."""
    return [
        Mistake((*PLACE, name), text) for name, on in wanted.items() if (text := _caution(version, name, on))
    ]


def _caution(version: str, name: str, on: bool) -> str | None:
    stage = _known(version, name)
    if stage is None:
        return None
    if stage.name == "Alpha" and on:
        return f"alpha since Kubernetes {stage.since}: it may change or go in any release"
    if stage.name == "Deprecated":
        return f"deprecated since Kubernetes {stage.since}: it will be removed"
    return None


def to_emit(version: str, wanted: Mapping[str, bool], component: str | None = None) -> dict[str, bool]:
    """Return the gates that must be given to a component (None: to any) to get what is wanted, sorted.

    What is the default anyway is left out: it would become a locked gate, and later an unknown one.
    """
    return {
        name: on
        for name, on in sorted(wanted.items())
        if (stage := _known(version, name))
        and not stage.locked
        and stage.on != on
        and _knows(component, name)
    }


def _known(version: str, name: str) -> Stage | None:
    stage = gate.at(minor_of(version)) if (gate := table().get(name)) else None
    return None if stage is None or stage.name == REMOVED else stage


def _knows(component: str | None, name: str) -> bool:
    return component is None or table()[name].only in (None, component)


def of(cluster: Cluster, component: str) -> dict[str, bool]:
    """Return the gates that a component of a cluster is given: the inventory's, and what its GPUs need."""
    version = cluster.kubernetes.version
    needed = needed_by(DRA, version).gates if _claims_devices(cluster) else {}
    return to_emit(version, {**needed, **cluster.kubernetes.feature_gates}, component)


def runtime_config(cluster: Cluster) -> tuple[str, ...]:
    """Return the API versions that a cluster's API server must be told to serve, as GROUP/VERSION=true."""
    return needed_by(DRA, cluster.kubernetes.version).runtime_config if _claims_devices(cluster) else ()


def _claims_devices(cluster: Cluster) -> bool:
    return bool(cluster.claimed_gpus())


def as_flag(gates: Mapping[str, bool]) -> str:
    """Return gates as the value of --feature-gates."""
    return ",".join(f"{name}={str(on).lower()}" for name, on in gates.items())


def needed_by(group: str, version: str) -> ApiGroup:
    """Return what makes an API group usable in a version; empty where it is by itself."""
    needs: dict[str, dict[str, list[str]]] = yaml.safe_load(GROUPS.read_text())[group]
    need = needs.get(minor_of(version), {})
    return ApiGroup(dict.fromkeys(need.get("gates", []), True), tuple(need.get("runtime_config", [])))


def rows() -> Iterator[tuple[str, str, Stage]]:
    """Yield (gate, minor, stage) for every minor in which a gate is known or was removed."""
    for name, gate in sorted(table().items()):
        for minor in MINORS:
            if stage := gate.at(minor):
                yield name, minor, stage
