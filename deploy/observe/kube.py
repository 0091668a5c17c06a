"""Objects as the API shows them to an admin: as they are, and as a server-side apply would leave them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from typing_extensions import override

from deploy.model.api_server import ADMIN

KUBECONFIG = ADMIN
FIELD_MANAGER = "slipway"
ENVIRONMENT = f"export KUBECONFIG={KUBECONFIG}"

Object = dict[str, Any]


class Reach(StrEnum):
    """Whether the API could be asked."""

    ANSWERS = "answers"
    SILENT = "silent"
    NO_CLUSTER = "no cluster"


@dataclass(frozen=True, order=True, slots=True)
class Key:
    """An object's name in the world; the group has no version, every version shows the same object."""

    group: str
    kind: str
    namespace: str
    name: str

    @override
    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {where}{self.name}"


def key(obj: Mapping[str, Any]) -> Key:
    """Return the key of an object."""
    group, slash, _ = str(obj["apiVersion"]).partition("/")
    metadata = obj["metadata"]
    return Key(group if slash else "", obj["kind"], metadata.get("namespace", ""), metadata["name"])


@dataclass(frozen=True, slots=True)
class Objects:
    """What the API said about a list of wishes: as they live, as they would be, and what it objected to."""

    reach: Reach
    live: Mapping[Key, Object] = field(default_factory=dict)
    would: Mapping[Key, Object] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @property
    def unknown_kinds(self) -> bool:
        """Say whether a kind is not served, since its CRD is not there yet."""
        return any(
            "no matches for kind" in line or "ensure CRDs are installed" in line for line in self.errors
        )


MARK = "=== slipway "
NO_CLUSTER = f"{MARK}no cluster"
_REACH = (
    f"[ -s {KUBECONFIG} ] && command -v kubectl >/dev/null || {{ echo '{NO_CLUSTER}'; exit 0; }}\n"
    f"{ENVIRONMENT}\n"
)


def get_command(*words: str) -> str:
    """Return what runs one kubectl with JSON output; `words` are already quoted for a shell."""
    return f"{_REACH}echo '{MARK}live'; {_kubectl(*words)}"


def try_command() -> str:
    """Return what asks how an apply would leave the objects on stdin."""
    apply = (
        f"apply --server-side --field-manager={FIELD_MANAGER} --force-conflicts --dry-run=server -o json -f -"
    )
    return f"{_REACH}echo '{MARK}would'; {_kubectl(apply)}"


def _kubectl(*words: str) -> str:
    # errors become lines of their own, so that one stream carries both
    return f"kubectl --request-timeout=20s {' '.join(words)} 2>&1 || true"


def parse(lines: Sequence[str]) -> Objects:
    """Return what the API said; JSON and messages may be mixed in a section, kubectl writes both."""
    sections = _sections(lines)
    if "no cluster" in sections:
        return Objects(Reach.NO_CLUSTER)
    live, complaints = _objects(sections.get("live", []))
    would, more = _objects(sections.get("would", []))
    errors = tuple(dict.fromkeys([*complaints, *more]))
    return Objects(Reach.SILENT if _silent(sections, errors) else Reach.ANSWERS, live, would, errors)


def _silent(sections: Mapping[str, list[str]], errors: Iterable[str]) -> bool:
    words = (
        "was refused",
        "no route to host",
        "i/o timeout",
        "Unable to connect",
        "context deadline exceeded",
    )
    return not sections.keys() & {"live", "would"} or any(
        word in line and "webhook" not in line for line in errors for word in words
    )


def _sections(lines: Sequence[str]) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in lines:
        if line.startswith(MARK):
            current = sections.setdefault(line.removeprefix(MARK), [])
        else:
            current.append(line)
    return sections


def _objects(lines: Sequence[str]) -> tuple[dict[Key, Object], list[str]]:
    """Split a section into the objects of its JSON documents and the lines that are none."""
    text, decoder = "\n".join(lines), json.JSONDecoder()
    found: dict[Key, Object] = {}
    complaints: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "{":
            document, at = decoder.raw_decode(text, at)
            found.update({key(item): item for item in _items(document)})
            continue
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if line := text[at:end].strip():
            complaints.append(line)
        at = end + 1
    return found, complaints


def _items(document: Object) -> Iterator[Object]:
    if document.get("kind") == "List" or document.get("kind", "").endswith("List"):
        yield from document.get("items") or []
    else:
        yield document
