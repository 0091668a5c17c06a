"""What kubeadm and the kubelets read, compared whole with files that were looked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.catalog.kubelet import settings as kubelet_settings
from deploy.model import Cluster
from deploy.model.settings import merged
from deploy.steps.kubeadm import config

GOLDEN = Path(__file__).with_name("golden")


def node(name: str, last: int, *roles: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "address": f"10.89.7.{last}", "roles": list(roles), **more}


PLANE, WORKER = "control-plane", "worker"
LAB: dict[str, Any] = {
    "name": "lab",
    "nodes": [node("cp1", 11, PLANE), node("w1", 12, WORKER)],
    "kubernetes": {
        "kubelet": {"failCgroupV1": False, "systemReserved": {"cpu": "50m"}},
        "kube_proxy": {"conntrack": {"maxPerCore": 0, "min": 0}},
        "ignore_preflight": ["SystemVerification"],
    },
}
OLDER = {
    **LAB,
    "kubernetes": {"version": "v1.35.4", "proxy_mode": "ipvs", "feature_gates": {"DRADeviceTaints": True}},
}
THREE = {
    "name": "ha",
    "nodes": [
        *(node(f"cp{number}", 10 + number, PLANE) for number in (1, 2, 3)),
        node("w1", 14, WORKER, taints=[{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]),
    ],
    "kubernetes": {"endpoint": "10.89.7.250"},
}
ALONE = {"name": "one", "nodes": [node("nuc", 11, PLANE, WORKER)]}


@pytest.mark.parametrize(
    ("name", "inventory", "first"),
    [("lab", LAB, "cp1"), ("older", OLDER, "cp1"), ("three", THREE, "cp1"), ("alone", ALONE, "nuc")],
)
def test_the_init_configuration_is_as_it_was_looked_at(
    name: str, inventory: dict[str, Any], first: str
) -> None:
    cluster = Cluster.model_validate(inventory)

    text = config.as_yaml(config.init_documents(cluster, cluster.node(first))).decode()

    assert text == (GOLDEN / f"init-{name}.yaml").read_text()


@pytest.mark.parametrize("name", ["cp2", "w1"])
def test_the_join_configuration_is_as_it_was_looked_at(name: str) -> None:
    cluster = Cluster.model_validate(THREE)

    text = config.as_yaml([config.join_document(cluster, cluster.node(name))]).decode()

    assert text == (GOLDEN / f"join-{name}.yaml").read_text()


@pytest.mark.parametrize(("name", "inventory"), [("lab", LAB), ("older", OLDER)])
def test_the_kubelets_drop_in_is_as_it_was_looked_at(name: str, inventory: dict[str, Any]) -> None:
    text = config.as_yaml([kubelet_settings(Cluster.model_validate(inventory))]).decode()

    assert text == (GOLDEN / f"kubelet-{name}.yaml").read_text()


def test_an_inventorys_settings_go_over_ours_key_by_key() -> None:
    ours = {"a": {"b": 1, "c": 2}, "d": [1], "e": 1}

    assert merged(ours, {"a": {"b": 3}, "d": [2], "f": 4}) == {
        "a": {"b": 3, "c": 2},
        "d": [2],
        "e": 1,
        "f": 4,
    }


def test_the_order_of_an_inventorys_settings_is_no_change() -> None:
    turned = {
        **LAB,
        "kubernetes": {
            **LAB["kubernetes"],
            "kubelet": {"systemReserved": {"cpu": "50m"}, "failCgroupV1": False},
        },
    }

    one, other = (Cluster.model_validate(inventory) for inventory in (LAB, turned))

    assert config.as_yaml([kubelet_settings(one)]) == config.as_yaml([kubelet_settings(other)])
