"""Which hosts do what, in which order: several servers one by one, agents all at once."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from deploy.errors import InventoryError
from deploy.model import Cluster
from deploy.plan import Where, phases
from deploy.steps.k3s import config
from tests.unit.k3s.conftest import cluster, inventory


def order(declared: Cluster) -> Mapping[str, tuple[str, tuple[str, ...]]]:
    return {phase.name: (phase.where.name, phase.hosts(declared)) for phase in phases(declared)}


def test_servers_join_one_by_one_behind_the_first_and_agents_after_them() -> None:
    everyone = ("s1", "s2", "s3", "a1")

    found = order(inventory("three-servers"))

    assert list(found.items()) == [
        ("identity", (Where.ALL.name, everyone)),
        ("baseline", (Where.ALL.name, everyone)),
        ("artifacts", (Where.ALL.name, everyone)),
        ("endpoint", (Where.CONTROL_PLANES.name, ("s1", "s2", "s3"))),
        ("control-plane", (Where.FIRST.name, ("s1",))),
        ("control-planes", (Where.OTHERS.name, ("s2", "s3"))),
        ("workers", (Where.WORKERS.name, ("a1",))),
        ("nodes", (Where.SPEAKER.name, ("s1", "s2", "s3"))),
        ("load-balancer", (Where.SPEAKER.name, ("s1", "s2", "s3"))),
    ]


def test_only_the_first_server_makes_a_cluster_and_only_the_others_hold_its_token() -> None:
    declared = inventory("three-servers")
    founds = [config.server(declared, node).get("cluster-init") for node in declared.control_planes]
    joins = [config.server(declared, node).get("token-file") for node in declared.control_planes]

    assert founds == [True, None, None]
    assert joins == [None, config.TOKEN, config.TOKEN]


def test_what_k3s_would_skip_is_refused_before_anything_is_planned() -> None:
    wrong = cluster(
        feature_gates={"NodeSwop": True},
        k3s={"server": {"tls-sans": ["a"]}, "agent": {"tls-san": "a"}},
    )

    with pytest.raises(InventoryError) as caught:
        phases(wrong)

    assert str(caught.value).splitlines() == [
        "kubernetes.feature_gates.NodeSwop: Kubernetes 1.36 has no such feature gate; did you mean NodeSwap?",
        "kubernetes.k3s.server.tls-sans: k3s 1.36 has no such option; did you mean tls-san?",
        "kubernetes.k3s.agent.tls-san: only a server takes this option; move it to kubernetes.k3s.server",
    ]
