"""Settings over settings, as an inventory's go over ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return our settings with theirs over them; objects are merged, lists and values replaced.

    Theirs are taken in the order of their names: the order of an inventory's keys is no change.
    """
    result = dict(ours)
    for name, value in sorted(theirs.items()):
        mine = result.get(name)
        if isinstance(mine, dict) and isinstance(value, Mapping):
            result[name] = merged(mine, value)
        else:
            result[name] = value
    return result
