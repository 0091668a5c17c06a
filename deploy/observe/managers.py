"""Who owns the fields of an object, from its metadata.managedFields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.observe.difference import SERVER_FIELDS, Path, unmet
from deploy.observe.kube import FIELD_MANAGER, Object

APPLIED = (FIELD_MANAGER, "Apply")

# What people leave behind. Their edits are drift and are taken back; every other manager is a controller,
# and two controllers that fight over a field never end.
PEOPLE = (
    "kubectl",
    "kubectl-annotate",
    "kubectl-client-side-apply",
    "kubectl-create",
    "kubectl-edit",
    "kubectl-label",
    "kubectl-last-applied",
    "kubectl-patch",
    "kubectl-replace",
    "kubectl-rollout",
    "kubectl-scale",
    "kubectl-set",
    "kubectl-taint",
    "k9s",
    "Lens",
    "node-fetch",
)


def owned_by_controllers(obj: Mapping[str, Any], paths: list[Path]) -> list[tuple[str, str]]:
    """Return (manager, field) for each of the paths that a controller owns; a field reads spec.replicas."""
    found = []
    for entry in obj["metadata"].get("managedFields") or []:
        manager = entry.get("manager", "unknown")
        if manager == FIELD_MANAGER or manager in PEOPLE or entry.get("subresource"):
            continue
        owned = list(_leaves(entry.get("fieldsV1") or {}, obj))
        found += [
            (manager, ".".join(path))
            for path in paths
            if any(path[: len(leaf)] == leaf or leaf[: len(path)] == path for leaf in owned)
        ]
    return sorted(set(found))


def as_applied(wish: Object, live: Object | None) -> bool:
    """Say whether an object lives as wished, and slipway's last apply named exactly the wish's fields.

    Then another apply changes nothing. False may mean that only the server can tell: ask it for a dry run.
    """
    entries = [] if live is None else live["metadata"].get("managedFields") or []
    mine = [entry for entry in entries if (entry.get("manager"), entry.get("operation")) == APPLIED]
    metadata = {name: value for name, value in wish["metadata"].items() if name not in ("name", "namespace")}
    fields = {name: value for name, value in wish.items() if name not in ("apiVersion", "kind", "metadata")}
    return (
        len(mine) == 1
        and mine[0].get("apiVersion") == wish["apiVersion"]
        and not unmet(wish, live)
        and _exactly(
            mine[0].get("fieldsV1") or {}, {**fields, **({"metadata": metadata} if metadata else {})}
        )
    )


def _exactly(fields: Mapping[str, Any], wish: Any) -> bool:
    """Say whether fieldsV1 names what a wish names; a name with nothing below it stands for all below it."""
    below = {name: more for name, more in fields.items() if name != "."}
    if not fields:
        return True
    if isinstance(wish, dict) and below.keys() != {f"f:{name}" for name in wish}:
        return False
    if not isinstance(wish, dict | list) or len(below) != len(wish):
        return False
    steps = [(more, _step(name, wish)) for name, more in below.items()]
    return all(step is not None and _exactly(more, step[1]) for more, step in steps)


def _leaves(fields: Mapping[str, Any], value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths that fieldsV1 names, list items by their index in the object."""
    children = {name: below for name, below in fields.items() if name != "."}
    if not children and path and path[-1] not in SERVER_FIELDS:
        yield path
    for name, below in children.items():
        step = _step(name, value)
        if step is not None:
            yield from _leaves(below, step[1], (*path, step[0]))


def _step(name: str, value: Any) -> tuple[str, Any] | None:
    """Follow one key of fieldsV1: f:NAME a field, k:{...} a list item by its keys, v:VALUE by its value."""
    kind, _, rest = name.partition(":")
    if kind == "f":
        return rest, value.get(rest) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    wanted = json.loads(rest)
    for index, item in enumerate(value):
        if item == wanted or (
            isinstance(item, dict) and isinstance(wanted, dict) and wanted.items() <= item.items()
        ):
            return str(index), item
    return None
