"""YAML text -> plain values, the line of each, and the mistakes that YAML itself lets pass."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from deploy.errors import InventoryError
from deploy.model.mistake import Mistake, Place

MAP, SEQUENCE = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str", "value")}
CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
# an alias inside an alias inside an alias ... can stand for more than memory holds
MOST_VALUES = 50_000


class _Loader(yaml.SafeLoader):
    """Dates stay text: the model reads them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(slots=True)
class Document:
    """A parsed file. `lines` holds the line of every key and list item, counted from 1."""

    data: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def parse(text: str, name: str) -> Document:
    """Parse one YAML document; `name` is the file's, for the error that ends it all: no YAML."""
    try:
        loader = _Loader(text)
        return _Reader(loader).document(loader.get_single_node())
    except yaml.MarkedYAMLError as error:
        raise InventoryError(_syntax(name, error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InventoryError(
            f"{name} is not YAML: line {line} holds the character {ascii(chr(error.character))[1:-1]},"
            " which YAML does not allow; delete it."
        ) from None
    except RecursionError:
        raise InventoryError(f"{name} is nested too deeply to be an inventory.") from None


def _syntax(name: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "an unknown line"
    while_ = f" ({error.context})" if error.context else ""
    advice = "\n  Indent with spaces; YAML takes no tabs." if "'\\t'" in str(error.problem) else ""
    return f"{name} is not YAML: {place}: {error.problem}{while_}.{advice}"


class _Reader:
    """Walks YAML's nodes."""

    def __init__(self, loader: _Loader) -> None:
        self._loader = loader
        self._found = Document()
        self._open: set[int] = set()
        self._values = 0

    def document(self, node: yaml.Node | None) -> Document:
        """Return everything that the walk finds."""
        if node is not None:
            self._found.data = self._value(node, ())
        return self._found

    def _wrong(self, place: Place, text: str) -> None:
        self._found.mistakes.append(Mistake(place, text))

    def _value(self, node: yaml.Node, place: Place) -> Any:
        self._values += 1
        if self._values > MOST_VALUES:
            raise yaml.MarkedYAMLError(None, None, f"more than {MOST_VALUES} values", node.start_mark)
        if id(node) in self._open:
            raise yaml.MarkedYAMLError(None, None, "an alias that holds itself", node.start_mark)
        self._open.add(id(node))
        try:
            return self._plain(node, place)
        finally:
            self._open.discard(id(node))

    def _plain(self, node: yaml.Node, place: Place) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == MAP:
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == SEQUENCE:
            return [self._item(child, (*place, index)) for index, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in SCALARS:
            return self._scalar(node, place)
        raise yaml.MarkedYAMLError(None, None, f"the tag {node.tag!r} has no meaning here", node.start_mark)

    def _item(self, node: yaml.Node, place: Place) -> Any:
        self._found.lines[place] = node.start_mark.line + 1
        return self._value(node, place)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        self._doubled(node, place)
        self._loader.flatten_mapping(node)
        found: dict[str, Any] = {}
        for key, value in node.value:
            inner = (*place, self._key(key))
            self._found.lines[inner] = key.start_mark.line + 1
            found[self._key(key)] = self._value(value, inner)
        return found

    def _doubled(self, node: yaml.MappingNode, place: Place) -> None:
        first: dict[str, int] = {}
        for key, _ in node.value:
            text, line = self._key(key), key.start_mark.line + 1
            if text in first:
                self._wrong(
                    (*place, text), f"the key is given twice, in lines {first[text]} and {line}; keep one"
                )
            first.setdefault(text, line)

    def _key(self, node: yaml.Node) -> str:
        """Return a key as it is written, so that `on:` and `8080:` stay what they look like."""
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        raise yaml.MarkedYAMLError(
            None, None, "a key that is no text; a value that begins with { needs quotes", node.start_mark
        )

    def _scalar(self, node: yaml.ScalarNode, place: Place) -> Any:
        try:
            value = self._loader.construct_object(node)
        except (ValueError, KeyError):  # 0x_ passes for a number until it is read as one
            value = node.value
        if isinstance(value, float) and not math.isfinite(value):
            self._wrong(place, f"found {node.value}, wanted a number that is finite")
        if isinstance(value, str) and CONTROL.search(value):
            self._wrong(place, "found a line break or control character; write the value in one line")
        return value
