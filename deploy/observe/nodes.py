"""Nodes of the API against their declaration: labels and taints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.observe.kube import Object

# taints that Kubernetes sets and takes away by itself; never part of a declaration
SYSTEM = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/")


@dataclass(frozen=True, slots=True)
class Declared:
    """A node as declared. `taints` are key=value:Effect texts; None leaves them as they are.

    `left` are labels of other days: they go where one of the `marks` says that slipway gave them.
    """

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    unlabelled: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    taints: tuple[str, ...] | None = None
    untainted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What differs on one node, as the words of `kubectl label` and `kubectl taint`; `reasons` for people."""

    node: str
    labels: tuple[str, ...] = ()
    taints: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


def taints(node: Object) -> tuple[str, ...]:
    """Return the taints that somebody declared, as key=value:Effect."""
    found = (node.get("spec") or {}).get("taints") or []
    return tuple(_text(taint) for taint in found if not str(taint["key"]).startswith(SYSTEM))


def _text(taint: Mapping[str, Any]) -> str:
    return f"{taint['key']}={taint.get('value') or ''}:{taint['effect']}"


def change(declared: Declared, node: Object) -> Change:
    """Return what makes a node as declared; labels that nobody declared are left alone."""
    have = node["metadata"].get("labels") or {}
    labels, reasons = [], []
    for name, value in declared.labels.items():
        if have.get(name) != value:
            labels.append(f"{name}={value}")
            reasons.append(f"{declared.name}: label {name} is {have.get(name, 'missing')}, wanted {value}")
    left = () if have.keys().isdisjoint(declared.marks) else declared.left
    for name in (*declared.unlabelled, *left):
        if name in have:
            labels.append(f"{name}-")
            reasons.append(f"{declared.name}: label {name} is there and shall not be")
    there = taints(node)
    add, remove = _taint_changes(declared, there)
    reasons += [f"{declared.name}: taint {taint} is missing" for taint in add]
    reasons += [f"{declared.name}: taint {taint} is there and shall not be" for taint in remove]
    words = (*(_removal(taint) for taint in remove), *add)
    return Change(declared.name, tuple(labels), words, tuple(reasons))


def _taint_changes(declared: Declared, there: tuple[str, ...]) -> tuple[list[str], list[str]]:
    if declared.taints is None:
        return [], [taint for taint in there if taint.partition("=")[0] in declared.untainted]
    add = [taint for taint in declared.taints if taint not in there]
    return add, [taint for taint in there if taint not in declared.taints]


def _removal(taint: str) -> str:
    key, _, rest = taint.partition("=")
    return f"{key}:{rest.rpartition(':')[2]}-"
