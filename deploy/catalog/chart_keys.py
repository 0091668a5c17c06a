"""charts/*.yaml: every value and custom resource field that a vendor's chart knows, to hold ours against.

Helm takes a misspelt value without a word, and the default stays: so nothing of ours may be unknown here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

CHARTS = Path(__file__).with_name("charts")
KINDS: dict[str, type | tuple[type, ...]] = {
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "string": str,
    "list": list,
    "map": dict,
}
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class ChartKeys:
    """What one chart knows: `values` by dotted key, `objects` by "GROUP/VERSION KIND" and dotted field."""

    name: str
    commit: str
    values: Mapping[str, str]
    objects: Mapping[str, Mapping[str, str]]

    def unknown_values(self, values: Mapping[str, Any]) -> list[str]:
        """Return what of a release's values the chart does not know, each with what was likely meant."""
        return list(self._values(values, ""))

    def _values(self, values: Mapping[str, Any], above: str) -> Iterator[str]:
        for name, value in values.items():
            key = f"{above}{name}"
            kind = self.values.get(key)
            if kind is not None:
                if kind in KINDS and not isinstance(value, KINDS[kind]):
                    yield f"{self.name}: {key} is {value!r}, wanted a {kind}"
            elif isinstance(value, dict) and any(known.startswith(f"{key}.") for known in self.values):
                yield from self._values(value, f"{key}.")
            else:
                yield f"{self.name} knows no value {key}{_near(key, self.values)}"

    def unknown_fields(self, obj: Mapping[str, Any]) -> list[str]:
        """Return what of a custom resource's spec its definition does not know."""
        kind = f"{obj['apiVersion']} {obj['kind']}"
        known = self.objects.get(kind)
        if known is None:
            return [f"{self.name} knows no {kind}{_near(kind, self.objects)}"]
        return list(_fields(obj["spec"], "spec", known))


def _fields(value: Any, path: str, known: Mapping[str, str]) -> Iterator[str]:
    kind, _, choices = known.get(path, "").partition(" ")
    if not kind:
        yield f"no field {path}{_near(path, known)}"
    elif choices and value not in choices.split("|"):
        yield f"{path} is {value!r}, wanted {choices.replace('|', ', ')}"
    elif isinstance(value, dict) and kind == "object":
        free = f"{path}{{}}" in known
        for name, inner in value.items():
            yield from _fields(inner, f"{path}{{}}" if free else f"{path}.{name}", known)
    elif isinstance(value, list) and kind == "array":
        for inner in value:
            yield from _fields(inner, f"{path}[]", known)
    elif kind in KINDS and not isinstance(value, KINDS[kind]):
        yield f"{path} is {value!r}, wanted a {kind}"


def _near(word: str, known: Mapping[str, Any]) -> str:
    depth = word.count(".")
    near = difflib.get_close_matches(word, [key for key in known if key.count(".") == depth], n=1)
    return f"; did you mean {near[0]}?" if near else ""


@lru_cache(maxsize=16)
def load(chart: str) -> ChartKeys:
    """Return what a chart knows."""
    document = yaml.load((CHARTS / f"{chart}.yaml").read_text(), Loader=_Loader)  # noqa: S506 - a safe one
    return ChartKeys(chart, document["commit"], document["values"], document["objects"])
