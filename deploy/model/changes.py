"""What may not change once a cluster lives: what of an inventory is recorded on hosts, and compared first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import JsonValue
from pydantic.fields import FieldInfo

from deploy.model.cluster import Cluster, Node
from deploy.model.section import Section
from deploy.model.values import Change

ENDPOINT = "kubernetes.endpoint"
VERSION = "kubernetes.version"
K3S = "kubernetes.k3s."
# path, value, what to do instead of changing it
Recordable = tuple[str, JsonValue, str | None]
UPGRADE = "wait for a release that can upgrade: apply changes no version of a living cluster"


def immutable_values(cluster: Cluster) -> dict[str, JsonValue]:
    """Return what the hosts of a cluster remember of its inventory, flat: `kubernetes.pod_cidr` -> value.

    Nodes are named, not counted: `nodes.w1.address`. The endpoint is the effective one. The version is
    recorded too, since no other than the installed one can be applied.
    """
    return {path: value for path, value, _ in _immutable(cluster)}


def changed_immutable(recorded: Mapping[str, JsonValue], cluster: Cluster) -> list[str]:
    """Return one text per value that differs from the recorded ones; added and removed nodes do not."""
    changed = [
        f"{path}: the cluster has {_shown(recorded[path])}, the inventory now says {_shown(value)};"
        f" put {_shown(recorded[path])} back{_or(instead)}"
        for path, value, instead in _immutable(cluster)
        if path in recorded and recorded[path] != value
    ]
    return [*changed, *_renamed(recorded, cluster)]


def _or(instead: str | None) -> str:
    return f", or {instead}" if instead else ""


def _renamed(recorded: Mapping[str, JsonValue], cluster: Cluster) -> Iterator[str]:
    """Yield the hosts that have another name than the one they joined with."""
    names = {node.name for node in cluster.nodes}
    was = {
        address: path.split(".")[1]
        for path, address in recorded.items()
        if path.startswith("nodes.") and path.endswith(".address")
    }
    for node in cluster.nodes:
        before = was.get(str(node.address))
        if before is not None and before != node.name and before not in names:
            yield (
                f"nodes.{before}.name: the host at {node.address} joined as {before}, the inventory now calls"
                f" it {node.name}; call it {before} again, or drain and remove {before} first"
            )


def _immutable(cluster: Cluster) -> Iterator[Recordable]:
    """Yield every key that is set and may not change."""
    yield VERSION, cluster.kubernetes.version, UPGRADE
    for path, value, instead in _walk(cluster, ""):
        if path.startswith(K3S) and not cluster.is_k3s:
            continue
        yield path, str(cluster.endpoint) if path == ENDPOINT else value, instead


def _walk(section: Section, above: str) -> Iterator[Recordable]:
    plain = section.model_dump(mode="json")
    for key, entry in type(section).model_fields.items():
        value, path = getattr(section, key), f"{above}{key}"
        if isinstance(value, Section):
            yield from _walk(value, f"{path}.")
        elif isinstance(section, Cluster) and key == "nodes":
            for node in value:
                yield from _walk(node, f"{path}.{node.name}.")
        elif _marks(entry).get("change") == Change.IMMUTABLE and not (
            isinstance(section, Node) and key == "name"
        ):
            yield path, _ordered(plain[key]), _marks(entry).get("instead")


def _marks(entry: FieldInfo) -> Mapping[str, Any]:
    return entry.json_schema_extra if isinstance(entry.json_schema_extra, Mapping) else {}


def _ordered(value: Any) -> JsonValue:
    """Sort a list: the order of roles means nothing."""
    return sorted(value) if isinstance(value, list) else value


def _shown(value: JsonValue) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
