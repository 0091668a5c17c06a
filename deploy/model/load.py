"""An inventory file -> `Cluster`, or one error that names every mistake in it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.errors import InventoryError
from deploy.model.cluster import Cluster
from deploy.model.document import Document, parse
from deploy.model.mistake import Mistake, Place, report
from deploy.model.rules import Rule, broken_rules, missing_authorities, missing_key_files
from deploy.model.schema import mistakes
from deploy.model.secret import missing_secrets
from deploy.model.serving import HOME

LARGEST = 1 << 20  # bytes; an inventory of a thousand nodes has a tenth of it
EMPTY = """{path} is empty. An inventory needs at least:
  name: lab
  nodes:
    - {{name: cp1, address: 192.168.1.10, roles: [control-plane]}}"""


def load_cluster(path: Path | str, *, keys_exist: bool = True, rules: Iterable[Rule] = ()) -> Cluster:
    """Load an inventory.

    `keys_exist=False` is for those who only read it: then SSH keys and secrets that are not there yet are
    no mistake.
    `rules` are judged beside the model's own, for what other rooms know.
    """
    path = Path(path)
    document = parse(_text(path), str(path))
    if document.data is None:
        raise InventoryError(EMPTY.format(path=path))
    if not isinstance(document.data, dict):
        raise InventoryError(f"{path} holds no keys such as name: and nodes: but {_kind(document.data)}.")
    cluster, found = judge(document, rules, path.parent)
    if keys_exist and cluster:
        found += missing_key_files(cluster)
        found += [*missing_secrets(cluster, path.parent), *missing_authorities(cluster, path.parent)]
    if found or cluster is None:
        raise InventoryError(report(path, found, document.lines))
    return cluster


def judge(
    document: Document, rules: Iterable[Rule] = (), home: Path = Path()
) -> tuple[Cluster | None, list[Mistake]]:
    """Return the cluster, as far as it could be understood, and everything wrong with it.

    `home` is the directory from which the inventory names files.
    """
    found = list(document.mistakes)
    try:
        cluster: Cluster | None = Cluster.model_validate(document.data, context={HOME: home})
    except ValidationError as error:
        wrong = list(mistakes(error.errors(include_url=False), Cluster, document.data))
        found += wrong
        cluster = _without(document.data, [mistake.place for mistake in wrong], home)
    if cluster:
        broken = [mistake.place for mistake in found]
        judged = [*broken_rules(cluster), *chain.from_iterable(rule(cluster) for rule in rules)]
        found += [mistake for mistake in judged if not mistake.rests_on(broken)]
    return cluster, found


def _without(data: dict[str, Any], places: Iterable[Place], home: Path) -> Cluster | None:
    """Return the cluster without what is wrong, so that its other values can be judged as well."""
    rest = copy.deepcopy(data)
    for place in places:
        *above, last = place or ("",)
        inner: Any = rest
        for part in above:
            inner = inner.get(part, {}) if isinstance(inner, dict) else inner[part]
        if isinstance(inner, dict):
            inner.pop(last, None)
    try:
        return Cluster.model_validate(rest, context={HOME: home})
    except ValidationError:
        return None


def _kind(data: Any) -> str:
    return "a list" if isinstance(data, list) else "a single value"


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InventoryError(_unreadable(path, error)) from None
    except ValueError:  # a NUL in the path
        raise InventoryError(f"{str(path)!a} is no path of a file.") from None
    if len(content) > LARGEST:
        raise InventoryError(f"{path} is larger than {LARGEST >> 20} MiB: that is no inventory.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InventoryError(f"{path} is not UTF-8 text: line {line} holds other bytes.") from None


def _unreadable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        near = sorted(str(other) for other in path.parent.glob("*.yaml") if ".lock" not in other.name)
        there = f" There are: {', '.join(near)}." if near else ""
        return f"{path} does not exist.{there}"
    if isinstance(error, IsADirectoryError):
        return f"{path} is a directory; name the inventory file in it."
    return f"{path} cannot be read: {error.strerror}."
