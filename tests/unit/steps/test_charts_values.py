"""What goes into charts and objects: pinned images, L2 only, the declared pool."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deploy.catalog import chart_keys
from deploy.model import Cluster, Node
from deploy.operations.nodes import Declared
from deploy.steps import cni, metallb, nodes

IMAGE = {"repository": "quay.io/x", "tag": "v1@sha256:abc"}


def cluster(**more: Any) -> Cluster:
    return Cluster.model_validate(
        {
            "name": "lab",
            "nodes": [{"name": "cp1", "address": "10.89.7.11", "roles": ["control-plane"]}],
            "load_balancer": {"pool": ["10.89.7.200-10.89.7.219"]},
            **more,
        }
    )


def test_flannel_gets_the_clusters_pod_network_and_pinned_images() -> None:
    values = cni.values(cluster(), {"flannel": IMAGE, "flannel-cni-plugin": IMAGE})

    assert values == {
        "podCidr": "10.42.0.0/16",
        "flannel": {"backend": "vxlan", "image": IMAGE, "flannel_cni": {"image": IMAGE}},
    }


def test_metallb_runs_neither_of_its_bgp_backends() -> None:
    values = metallb.values({"controller": IMAGE, "speaker": IMAGE})

    assert values["speaker"]["frr"] == {"enabled": False}
    assert values["frrk8s"] == {"enabled": False}
    assert (values["controller"]["image"], values["speaker"]["image"]) == (IMAGE, IMAGE)


def test_the_charts_know_every_value_that_they_are_given() -> None:
    given = cni.values(cluster(), {"flannel": IMAGE, "flannel-cni-plugin": IMAGE})
    assert chart_keys.load("flannel").unknown_values(given) == []
    assert (
        chart_keys.load("metallb").unknown_values(metallb.values({"controller": IMAGE, "speaker": IMAGE}))
        == []
    )
    assert chart_keys.load("metallb").unknown_values({"frrk9s": {"enabled": False}}) != []


def test_metallbs_definitions_know_every_field_of_the_pool() -> None:
    balancer = cluster(load_balancer={"pool": ["10.0.0.1-10.0.0.9"], "interfaces": ["eth1"]}).load_balancer
    assert balancer is not None

    known = chart_keys.load("metallb")

    assert [fault for obj in metallb.pool(balancer) for fault in known.unknown_fields(obj)] == []


def test_the_pool_is_announced_on_the_declared_interfaces_only() -> None:
    declared = {"pool": ["10.89.7.200-10.89.7.219"], "interfaces": ["eth1"]}
    balancer = cluster(load_balancer=declared).load_balancer
    assert balancer is not None

    pool, advertisement = metallb.pool(balancer)

    assert (pool["kind"], pool["spec"]) == ("IPAddressPool", {"addresses": ["10.89.7.200-10.89.7.219"]})
    assert (advertisement["kind"], advertisement["spec"]) == (
        "L2Advertisement",
        {"ipAddressPools": ["slipway"], "interfaces": ["eth1"]},
    )


def as_declared(cluster: Cluster, node: Node) -> Declared:
    """Return how a node shall be, without what it may have left of GPUs."""
    return replace(nodes.declared(cluster, node), marks=(), left=())


def test_a_lone_control_plane_runs_pods_and_announces() -> None:
    alone = cluster()

    assert as_declared(alone, alone.nodes[0]) == Declared(
        "cp1",
        unlabelled=("node.kubernetes.io/exclude-from-external-load-balancers",),
        untainted=("node-role.kubernetes.io/control-plane",),
    )


def test_a_control_plane_beside_workers_stays_as_kubeadm_made_it() -> None:
    both = cluster(
        nodes=[
            {"name": "cp1", "address": "10.89.7.11", "roles": ["control-plane"]},
            {
                "name": "w1",
                "address": "10.89.7.12",
                "roles": ["worker"],
                "labels": {"tier": "gpu"},
                "taints": [{"key": "gpu", "effect": "NoSchedule"}],
            },
        ]
    )

    assert [as_declared(both, node) for node in both.nodes] == [
        Declared("cp1"),
        Declared("w1", labels={"tier": "gpu"}, taints=("gpu=:NoSchedule",)),
    ]
