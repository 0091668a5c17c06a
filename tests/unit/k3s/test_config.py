"""k3s' files and unit, whole, for five inventories; `expected/NAME` holds every host's."""

from __future__ import annotations

import pytest

from deploy.catalog import k3s_flags
from deploy.model import Cluster, Node
from deploy.operations.units import own_files
from deploy.steps.k3s import config
from deploy.steps.k3s.node import configuration, unit
from tests.unit.k3s.conftest import HERE, INVENTORIES, cluster, documents, inventory


def rendered(inventory: Cluster) -> str:
    """Return every host's files as one text."""
    parts = []
    for node in inventory.nodes:
        own = own_files(unit(inventory, node, "b" * 64))
        for file in [*configuration(inventory, node), *own]:
            parts.append(f"=== {node.name}:{file.path} {file.mode}\n{file.content.decode()}")
    return "\n".join(parts)


@pytest.mark.parametrize("name", INVENTORIES)
def test_every_host_gets_its_files_as_expected(name: str) -> None:
    assert rendered(inventory(name)) == (HERE / "expected" / name).read_text()


@pytest.mark.parametrize("name", INVENTORIES)
def test_every_key_is_one_that_k3s_documents_for_the_role_and_version(name: str) -> None:
    declared = inventory(name)
    for node in declared.nodes:
        known = k3s_flags.load().of(role(node), declared.kubernetes.version)
        for path in (config.CONFIG, config.REGISTRATION):
            keys = documents(file(declared, node, path)) or {}
            assert [key for key in keys if key not in known] == [], (node.name, path)
            for key, value in keys.items():
                assert isinstance(value, list) <= (known[key] == "list"), key


@pytest.mark.parametrize("name", INVENTORIES)
def test_all_servers_say_the_same_where_k3s_wants_it(name: str) -> None:
    declared, critical = inventory(name), k3s_flags.load().critical
    said = {
        tuple((key, str(config.server(declared, node).get(key))) for key in critical)
        for node in declared.control_planes
    }

    assert len(said) == 1


def test_dra_is_switched_on_where_the_version_has_it_off_in_one_list_with_the_inventorys() -> None:
    old = cluster(
        version="v1.33.5+k3s1",
        feature_gates={"CBORServingAndStorage": True},
        k3s={"server": {"kube-apiserver-arg": ["v=2"]}},
    )
    gpus = {"vendor": "intel", "model": "A770", "count": 1}
    old = old.model_validate(
        {
            **old.model_dump(mode="json"),
            "nodes": [
                {**node.model_dump(mode="json"), **({"gpus": gpus} if node.name == "a1" else {})}
                for node in old.nodes
            ],
        }
    )

    assert config.server(old, old.nodes[0])["kube-apiserver-arg"] == [
        "feature-gates=CBORServingAndStorage=true,DynamicResourceAllocation=true",
        "runtime-config=resource.k8s.io/v1beta1=true,resource.k8s.io/v1beta2=true",
        "v=2",
    ]


def test_no_secret_is_in_any_rendered_file() -> None:
    secrets = k3s_flags.load().secret
    for name in INVENTORIES:
        declared = inventory(name)
        for node in declared.nodes:
            assert not secrets.keys() & documents(file(declared, node, config.CONFIG)).keys()


def role(node: Node) -> str:
    return k3s_flags.SERVER if node.is_control_plane else k3s_flags.AGENT


def file(declared: Cluster, node: Node, path: str) -> bytes:
    return next(found.content for found in configuration(declared, node) if found.path == path)
