"""How two objects differ: all of one against all of the other, or a wish against what lives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deploy.observe.kube import Object

# what the API server writes itself; never part of a wish
SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")
Path = tuple[str, ...]


def normalised(obj: Mapping[str, Any]) -> Object:
    """Return an object without what the server writes: no status, no bookkeeping."""
    metadata = {name: value for name, value in obj["metadata"].items() if name not in SERVER_FIELDS}
    return {**{name: value for name, value in obj.items() if name != "status"}, "metadata": metadata}


def differing(before: Any, after: Any, path: Path = ()) -> list[Path]:
    """Return the paths at which two JSON values differ; list items count by their index."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        return [
            found for name in names for found in differing(before.get(name), after.get(name), (*path, name))
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return [
            found
            for index, (one, other) in enumerate(zip(before, after, strict=True))
            for found in differing(one, other, (*path, str(index)))
        ]
    return [] if before == after else [path]


def at(value: Any, path: Path) -> Any:
    """Return what lies at a path; None where nothing does."""
    for name in path:
        if isinstance(value, list):
            value = value[int(name)]
        else:
            value = value.get(name) if isinstance(value, Mapping) else None
    return value


def unmet(wish: Any, live: Any, path: Path = ()) -> list[Path]:
    """Return the paths of a wish that a live value does not fulfil; what the wish does not name is free.

    Empty wishes are fulfilled by absence, and quantities and numbers count by their value.
    """
    if wish is None or wish in ({}, [], ""):
        return [] if live is None or live == wish or wish is None else [path]
    if isinstance(wish, dict) and isinstance(live, dict):
        return [found for name in wish for found in unmet(wish[name], live.get(name), (*path, name))]
    if isinstance(wish, list) and isinstance(live, list) and len(wish) == len(live):
        return [
            found
            for index, (one, other) in enumerate(zip(wish, live, strict=True))
            for found in unmet(one, other, (*path, str(index)))
        ]
    return [] if _same(wish, live) else [path]


def _same(wish: Any, live: Any) -> bool:
    if wish == live:
        return True
    one, other = _amount(wish), _amount(live)
    return one is not None and one == other


_UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}


def _amount(value: Any) -> float | None:
    """Return the value of a quantity: 100m, 0.1, 64Mi."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m|k|M|G|Ki|Mi|Gi)?", str(value))
    return None if match is None else float(match[1]) * _UNITS[match[2] or ""]
