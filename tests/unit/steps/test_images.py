"""Which images are on a host before anything waits for them."""

from __future__ import annotations

from deploy.model import Cluster
from deploy.steps import images

NODES = [
    {"name": "cp1", "address": "10.0.0.1", "roles": ["control-plane"]},
    {"name": "w1", "address": "10.0.0.2", "roles": ["worker"]},
]


def test_a_worker_has_what_may_be_started_on_it_and_what_a_verify_starts() -> None:
    plain = Cluster.model_validate({"name": "homelab", "nodes": NODES})
    balanced = Cluster.model_validate(
        {"name": "homelab", "nodes": NODES, "load_balancer": {"pool": ["10.0.0.200-10.0.0.219"]}}
    )
    always = [
        *("pause@v1.36.3", "kube-proxy@v1.36.3", "coredns@v1.36.3", "agnhost@v1.36.3"),
        *("flannel", "flannel-cni-plugin"),
    ]

    assert images.keys(plain, plain.node("w1")) == always
    assert images.keys(balanced, balanced.node("w1")) == [*always, "metallb-speaker", "metallb-controller"]


def test_a_control_plane_has_its_own_components_too() -> None:
    cluster = Cluster.model_validate({"name": "homelab", "nodes": NODES})

    own = {*images.keys(cluster, cluster.node("cp1"))} - {*images.keys(cluster, cluster.node("w1"))}

    assert own == {
        *("etcd@v1.36.3", "kube-apiserver@v1.36.3", "kube-controller-manager@v1.36.3"),
        "kube-scheduler@v1.36.3",
    }
