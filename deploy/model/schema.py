"""What pydantic says about an inventory -> the words that its author needs, and the JSON Schema."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from deploy.model.forms import WANTED
from deploy.model.mistake import Mistake, Place, shown
from deploy.model.secret import WANTED as REFERENCE
from deploy.model.secret import SecretRef
from deploy.model.section import Section

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: type[Section]) -> dict[str, Any]:
    """Return the JSON Schema of an inventory, for editors."""
    return {"$schema": DRAFT, **model.model_json_schema()}


def mistakes(errors: Iterable[ErrorDetails], model: type[Section], data: Any) -> Iterator[Mistake]:
    """Translate a validation's errors, and leave out those that only echo another one."""
    errors = list(errors)
    meant, told = set(_meant(errors, model, data)), set[Place]()
    for error in errors:
        missing = error["type"] == "missing"
        place = _place(error["loc"], data, missing=missing)
        if place in told or (missing and place in meant) or _echoes(error):
            continue
        told.add(place)
        yield Mistake(place, _text(error, model, place))


def _meant(errors: Iterable[ErrorDetails], model: type[Section], data: Any) -> Iterator[Place]:
    """Yield the places that misspelt keys were meant for: they are not missing as well."""
    for error in errors:
        if error["type"] == "extra_forbidden":
            *above, key = _place(error["loc"], data, missing=False)
            yield from ((*above, near) for near in _near(str(key), known_keys(model, tuple(above))))


def _place(loc: Place, data: Any, *, missing: bool) -> Place:
    """Return the part of a location that is in the file: unions and checked keys add parts of their own.

    So does the number of what stands alone where a list may stand.
    """
    place: Place = ()
    for part in loc:
        if isinstance(part, int) and not isinstance(data, list | tuple):
            continue
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return (*place, part) if missing else place
        place = (*place, part)
    return place


def _echoes(error: ErrorDetails) -> bool:
    """Say whether a list is called too short, or a default unknown, only because something else is wrong."""
    if error["type"] == "default_factory_not_called":
        return True
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _text(error: ErrorDetails, model: type[Section], place: Place) -> str:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), known_keys(model, place[:-1]))
    if kind == "missing":
        return f"missing; wanted here: {_description(model, place)}"
    if _is_secret(model, place) and isinstance(error["input"], str):
        # it may be the secret itself, and what is said here ends in terminals and logs of others
        return f"found a text, which is not shown here, wanted {REFERENCE}"
    if kind == "enum":
        return f"found {shown(error['input'])}, wanted {ctx['expected']}{_nearest(error)}"
    if kind == "ip_v4_network":
        return f"found {shown(error['input'])}, wanted {_network(error['input'])}"
    return f"found {shown(error['input'])}, wanted {_wanted(kind, ctx, error)}"


def _is_secret(model: type[Section], place: Place) -> bool:
    """Say whether a reference to a secret belongs here, or one of its keys."""
    return SecretRef in (_model_at(model, place), _model_at(model, place[:-1]))


def _unknown(key: str, known: list[str]) -> str:
    near = _near(key, known)
    advice = f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(known)}"
    return f"no such key; {advice}"


def _near(word: str, known: list[str]) -> list[str]:
    return difflib.get_close_matches(word, known, n=1, cutoff=0.6)


def _nearest(error: ErrorDetails) -> str:
    words = [word.strip("'") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
    near = _near(str(error["input"]), words)
    return f'; did you mean "{near[0]}"?' if near else ""


def _network(found: Any) -> str:
    try:
        return f"the network without host bits: {IPv4Network(found, strict=False)}"
    except ValueError:
        return "an IPv4 network such as 10.42.0.0/16"


def _wanted(kind: str, ctx: Mapping[str, Any], error: ErrorDetails) -> str:
    """Return what was wanted; pydantic's own words where ours add nothing."""
    if error["loc"][-1] == "int":  # the first half of a union's complaint
        return "a number or text; quote it if it is text"
    if kind.startswith("date"):
        return "a date such as 2027-03-31"
    if (words := WORDS.get(kind)) is None:
        return error["msg"][0].lower() + error["msg"][1:]
    return words(ctx)


WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "form": lambda ctx: str(ctx["wanted"]),
    "string_pattern_mismatch": lambda ctx: WANTED.get(ctx["pattern"], ctx["pattern"].strip("^$")),
    "ip_v4_address": lambda _: "an IPv4 address such as 192.168.1.10",
    "string_type": lambda _: "text; quote it if it is meant so",
    "string_too_short": lambda _: "some text",
    "string_too_long": lambda ctx: f"at most {ctx['max_length']} characters",
    "path_type": lambda _: "the path of a file",
    "int_type": lambda _: "a whole number without quotes",
    "bool_type": lambda _: "true or false without quotes",
    "greater_than_equal": lambda ctx: f"{ctx['ge']} or more",
    "less_than_equal": lambda ctx: f"{ctx['le']} or less",
    "too_short": lambda ctx: f"a list with at least {ctx['min_length']} entry",
    "tuple_type": lambda _: "a list",
    "list_type": lambda _: "a list",
    "dict_type": lambda _: "a mapping of keys to values",
    "model_type": lambda _: "a mapping of keys; leave the key out for the defaults",
}


def known_keys(model: type[Section], place: Place) -> list[str]:
    """Return the keys that a place of the inventory may have."""
    found = _model_at(model, place)
    return list(found.model_fields) if found else []


def _description(model: type[Section], place: Place) -> str:
    found = _model_at(model, place[:-1])
    text = (found.model_fields[str(place[-1])].description if found else None) or "a value"
    return text[0].lower() + text[1:].rstrip(".")


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """Follow a place down the types; list items and the None of an optional key are stepped over."""
    current: type[BaseModel] | None = model
    for part in place:
        if isinstance(part, str):
            entry = current.model_fields.get(part) if current else None
            current = next(_models(entry.annotation), None) if entry else None
    return current


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (tuple, Union, UnionType):
        for argument in get_args(annotation):
            yield from _models(argument)
