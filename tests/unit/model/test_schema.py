"""The JSON Schema says what the loader does, and says it of every key."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from deploy.model import Cluster, load_cluster
from deploy.model.schema import json_schema
from deploy.plan import unsupported

ROOT = Path(__file__).parents[3]
INVENTORIES = sorted(path for path in (ROOT / "inventories").glob("*.yaml") if ".lock" not in path.name)
SCHEMA = json_schema(Cluster)


class _TextDates(yaml.SafeLoader):
    """JSON has no dates: an editor sees text."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def complaints(text: str) -> list[str]:
    data = yaml.load(text, _TextDates)  # noqa: S506 - a SafeLoader
    return sorted(error.json_path for error in Draft202012Validator(SCHEMA).iter_errors(data))


def keys(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, entry in schema.get("properties", {}).items():
        section = SCHEMA["$defs"].get(entry.get("$ref", "").rpartition("/")[2], {})
        yield f"{where}.{name}", {"description": section.get("description"), **entry}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda path: path.name)
def test_every_committed_inventory_is_valid_for_the_loader_the_catalogue_and_the_schema(path: Path) -> None:
    load_cluster(path, keys_exist=False, rules=[unsupported])

    assert complaints(path.read_text()) == []


def test_there_are_inventories_to_look_at() -> None:
    assert {"homelab", "lab", "lab-ha", "lab-ssh"} <= {path.stem for path in INVENTORIES}


def test_every_key_says_what_it_is_and_what_changing_it_means() -> None:
    sections = {"cluster": SCHEMA, **SCHEMA["$defs"]}
    silent = [
        where
        for section, schema in sections.items()
        for where, entry in keys(schema, section)
        if not entry.get("description") or entry.get("change") not in ("immutable", "rolling", "live")
    ]

    assert silent == []


def test_every_immutable_key_says_what_to_do_instead() -> None:
    sections = {"cluster": SCHEMA, **SCHEMA["$defs"]}
    immutable = {
        where: entry.get("instead")
        for section, schema in sections.items()
        for where, entry in keys(schema, section)
        if entry.get("change") == "immutable"
    }

    assert sorted(immutable) == [
        "Database.provider",
        "Database.storage_class",
        "K3s.datastore",
        "K3s.flannel_backend",
        "Kubernetes.cni",
        "Kubernetes.distribution",
        "Kubernetes.endpoint",
        "Kubernetes.pod_cidr",
        "Kubernetes.service_cidr",
        "LoadBalancer.provider",
        "Node.address",
        "Node.name",
        "Node.roles",
        "ObjectStore.provider",
        "ObjectStore.storage_class",
        "Registry.hostname",
        "Registry.provider",
        "Registry.storage",
        "Registry.storage_class",
        "cluster.name",
    ]
    assert all(immutable.values())


def test_the_schema_sees_what_the_loader_sees() -> None:
    case = Path(__file__).parent / "cases" / "values_of_every_kind"
    lines = case.with_suffix(".txt").read_text().splitlines()[1:]
    text = case.with_suffix(".yaml").read_text()

    assert len(lines) > 30
    assert {path.removeprefix("$.").split(".")[0].split("[")[0] for path in complaints(text)} >= {
        "artifacts",
        "containerd",
        "host",
        "ignore",
        "kubernetes",
        "load_balancer",
        "name",
        "nodes",
    }
