"""What hosts remember of an inventory, and what is said when it no longer fits."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from deploy.model import Cluster
from deploy.model.changes import changed_immutable, immutable_values

DECLARED: dict[str, Any] = {
    "name": "lab",
    "nodes": [
        {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane", "worker"]},
        {"name": "w1", "address": "10.0.0.12", "roles": ["worker"]},
    ],
    "load_balancer": {"pool": ["10.0.0.200-10.0.0.219"]},
}
RECORDED = immutable_values(Cluster.model_validate(DECLARED))


def changed(**keys: Any) -> list[str]:
    return changed_immutable(RECORDED, Cluster.model_validate({**deepcopy(DECLARED), **keys}))


def test_what_must_not_change_is_recorded_flat_and_plain() -> None:
    assert RECORDED == {
        "name": "lab",
        "kubernetes.distribution": "kubeadm",
        "kubernetes.version": "v1.36.3",
        "kubernetes.pod_cidr": "10.42.0.0/16",
        "kubernetes.service_cidr": "10.43.0.0/16",
        "kubernetes.cni": "flannel",
        "kubernetes.endpoint": "10.0.0.11",
        "nodes.cp1.address": "10.0.0.11",
        "nodes.cp1.roles": ["control-plane", "worker"],
        "nodes.w1.address": "10.0.0.12",
        "nodes.w1.roles": ["worker"],
        "load_balancer.provider": "metallb",
    }


def test_the_same_inventory_changes_nothing() -> None:
    assert changed() == []


def test_a_changed_value_says_what_was_what_is_and_what_to_do_instead() -> None:
    assert changed(
        name="home",
        kubernetes={"pod_cidr": "10.44.0.0/16", "version": "v1.36.4", "endpoint": "10.0.0.250"},
    ) == [
        (
            "kubernetes.version: the cluster has v1.36.3, the inventory now says v1.36.4; put v1.36.3 back,"
            " or wait for a release that can upgrade: apply changes no version of a living cluster"
        ),
        (
            "name: the cluster has lab, the inventory now says home; put lab back,"
            " or use another inventory file for another cluster"
        ),
        (
            "kubernetes.pod_cidr: the cluster has 10.42.0.0/16, the inventory now says 10.44.0.0/16;"
            " put 10.42.0.0/16 back, or make a new cluster and move the workloads there"
        ),
        (
            "kubernetes.endpoint: the cluster has 10.0.0.11, the inventory now says 10.0.0.250;"
            " put 10.0.0.11 back, or make a new cluster and move the workloads there"
        ),
    ]


def test_a_node_may_come_and_go() -> None:
    cp1, w1 = DECLARED["nodes"]

    assert changed(nodes=[cp1]) == []
    assert changed(nodes=[cp1, w1, {**w1, "name": "w2", "address": "10.0.0.13"}]) == []


def test_a_node_may_not_change_what_it_is() -> None:
    cp1, w1 = DECLARED["nodes"]

    assert changed(nodes=[{**cp1, "roles": ["control-plane"]}, {**w1, "address": "10.0.0.13"}]) == [
        (
            "nodes.cp1.roles: the cluster has control-plane, worker, the inventory now says control-plane;"
            " put control-plane, worker back, or drain and remove the node,"
            " then add it again under a name of its own"
        ),
        (
            "nodes.w1.address: the cluster has 10.0.0.12, the inventory now says 10.0.0.13;"
            " put 10.0.0.12 back, or drain and remove the node, then add it again under a name of its own"
        ),
    ]


def test_a_host_keeps_the_name_it_joined_with() -> None:
    cp1, w1 = DECLARED["nodes"]

    assert changed(nodes=[cp1, {**w1, "name": "gpu1"}]) == [
        (
            "nodes.w1.name: the host at 10.0.0.12 joined as w1, the inventory now calls it gpu1;"
            " call it w1 again, or drain and remove w1 first"
        )
    ]


def test_the_order_of_roles_and_the_spelling_of_the_endpoint_are_no_change() -> None:
    cp1, w1 = DECLARED["nodes"]
    nodes = [{**cp1, "roles": ["worker", "control-plane"]}, w1]

    assert changed(nodes=nodes, kubernetes={"endpoint": "10.0.0.11"}) == []


def test_what_was_recorded_before_a_key_existed_is_no_change() -> None:
    cluster = Cluster.model_validate(DECLARED)

    assert changed_immutable({"name": "lab", "some.older.key": 1}, cluster) == []


def test_a_living_cluster_of_k3s_keeps_its_datastore_and_its_network() -> None:
    def k3s(**keys: Any) -> Cluster:
        kubernetes = {"distribution": "k3s", "version": "v1.36.3+k3s1", "k3s": keys}
        return Cluster.model_validate({**deepcopy(DECLARED), "kubernetes": kubernetes})

    recorded = immutable_values(k3s(datastore="sqlite"))

    assert recorded["kubernetes.k3s.datastore"] == "sqlite"
    assert changed_immutable(recorded, k3s(datastore="etcd", flannel_backend="host-gw")) == [
        (
            "kubernetes.k3s.datastore: the cluster has sqlite, the inventory now says etcd; put sqlite back,"
            " or make a new cluster and move the workloads there"
        ),
        (
            "kubernetes.k3s.flannel_backend: the cluster has vxlan, the inventory now says host-gw; put vxlan"
            " back, or make a new cluster and move the workloads there"
        ),
    ]
    assert changed_immutable(recorded, k3s(datastore="sqlite", disable=["traefik"])) == []


def test_what_is_k3s_own_is_not_recorded_of_a_kubeadm_cluster() -> None:
    assert [path for path in RECORDED if ".k3s." in path] == []
