"""CEL that picks devices: by model, memory, kind, and never a processor's own graphics.

A selector that reads what a device does not have ends the whole allocation with an error, so that every
reading is guarded by `has()` (ROCm/k8s-gpu-dra-driver docs/driver-attributes.md says so of its own examples).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from deploy.catalog import gpu as names
from deploy.catalog.gpu import Integrated, Names
from deploy.gpu.models import longer
from deploy.gpu.need import Need
from deploy.model import Vendor

APART = "[^a-z0-9]"


def selectors(need: Need, models: Iterable[str]) -> list[dict[str, dict[str, str]]]:
    """Return a request's selectors for devices of these models; without models, of any card."""
    return [{"cel": {"expression": expression}} for expression in _expressions(need, tuple(models))]


def _expressions(need: Need, models: tuple[str, ...]) -> list[str]:
    known = names.names(need.vendor)
    kind = known.part if need.profile and known.part else known.whole
    found = [_equals(known.driver, name, value) for name, value in kind.attributes.items()]
    if need.profile and kind.profile:
        found.append(_equals(known.driver, kind.profile, need.profile))
    if models:
        found.append(_model(known, need.vendor, models))
    elif known.integrated:
        found.append(_discrete(known.integrated))
    if need.memory:
        found.append(_memory(known.driver, need.memory))
    return found


def _attribute(driver: str, name: str) -> str:
    return f'device.attributes["{driver}"].{name}'


def _equals(driver: str, name: str, value: str) -> str:
    attribute = _attribute(driver, name)
    return f"has({attribute}) && {attribute} == {_quoted(value)}"


def _model(known: Names, vendor: Vendor, models: tuple[str, ...]) -> str:
    attribute = _attribute(known.driver, known.model.attribute)
    if known.model.names == "words":
        return f"has({attribute}) && {_words(attribute, vendor, models)}"
    written = [known.model.differ.get(model, model) for model in models]
    if len(written) == 1:
        return f"has({attribute}) && {attribute} == {_quoted(written[0])}"
    return f"has({attribute}) && {attribute} in [{', '.join(map(_quoted, written))}]"


def _words(attribute: str, vendor: Vendor, models: tuple[str, ...]) -> str:
    """Say that a product name has one of the models in it, and not as the beginning of another's."""
    others = {model: longer(vendor, model) for model in models}
    alone = tuple(model for model in models if not others[model])
    terms = [f"{attribute}.matches({_quoted(pattern(alone))})"] if alone else []
    terms += [
        f"({attribute}.matches({_quoted(pattern((model,)))})"
        f" && !{attribute}.matches({_quoted(pattern(others[model]))}))"
        for model in models
        if others[model]
    ]
    return terms[0] if len(terms) == 1 else f"({' || '.join(terms)})"


def pattern(models: tuple[str, ...]) -> str:
    """Return a regular expression that finds a model as words of its own: L4 is not in L40S."""
    words = "|".join(re.sub(r"[^a-z0-9]+", f"{APART}*", model.lower()) for model in models)
    return f"(?i)(^|{APART})({words})({APART}|$)"


def _discrete(integrated: Integrated) -> str:
    domain, _, name = integrated.attribute.partition("/")
    attribute = _attribute(domain, name)
    return f"!has({attribute}) || !{attribute}.endsWith({_quoted(integrated.ends)})"


def _memory(driver: str, least: str) -> str:
    capacity = f'device.capacity["{driver}"].memory'
    return f"has({capacity}) && {capacity}.compareTo(quantity({_quoted(least)})) >= 0"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
