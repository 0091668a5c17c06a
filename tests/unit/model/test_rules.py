"""What an inventory's values must be to each other: each rule broken on its own, and many at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.errors import InventoryError
from deploy.model import Cluster, load_cluster
from deploy.model.mistake import Mistake, written
from deploy.model.rules import RULES, broken_rules, warnings

CP = {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]}
W = {"name": "w1", "address": "192.168.1.12", "roles": ["worker"]}
POOL = "192.168.1.240-192.168.1.250"


def control_planes(count: int) -> list[dict[str, Any]]:
    return [{**CP, "name": f"cp{n}", "address": f"192.168.1.{10 + n}"} for n in range(1, count + 1)]


def cluster(**keys: Any) -> Cluster:
    return Cluster.model_validate({"name": "lab", "nodes": [CP, W], **keys})


def said(mistakes: list[Mistake]) -> list[str]:
    return [f"{written(mistake.place)}: {mistake.text}" for mistake in mistakes]


def balanced(*pool: str, **keys: Any) -> dict[str, Any]:
    return {"load_balancer": {"pool": list(pool), **keys}}


def kubernetes(**keys: Any) -> dict[str, Any]:
    return {"kubernetes": keys}


BROKEN = yaml.safe_load((Path(__file__).parent / "broken_rules.yaml").read_text())


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_says_what_is_wrong_and_nothing_else_does(rule: str) -> None:
    assert said(broken_rules(cluster(**BROKEN[rule]["keys"]))) == BROKEN[rule]["said"]


def test_every_rule_was_seen_broken() -> None:
    silent = [
        rule.__name__
        for rule in RULES
        if not any(list(rule(cluster(**case["keys"]))) for case in BROKEN.values())
    ]

    assert silent == []


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(balanced(POOL), id="a pool beside the hosts"),
        pytest.param(balanced("10.1.0.0/24", outside_subnet=True), id="a routed pool"),
        pytest.param(balanced("192.168.1.240"), id="a pool of one address"),
        pytest.param(
            {"nodes": [CP, {**W, "address": "192.168.2.12"}], **balanced("192.168.1.250-192.168.2.5")},
            id="a pool across two networks of hosts",
        ),
        pytest.param(balanced(POOL, dhcp_range="192.168.1.100-192.168.1.199"), id="DHCP elsewhere"),
        pytest.param(kubernetes(endpoint="192.168.1.11"), id="the endpoint of one control plane is its own"),
        pytest.param(kubernetes(endpoint="192.168.1.5"), id="or a free one, so that others may come later"),
        pytest.param(
            {"nodes": control_planes(3), **kubernetes(endpoint="192.168.1.5")}, id="three share a free one"
        ),
        pytest.param(kubernetes(distribution="k3s", version="v1.36.3+k3s1"), id="k3s"),
        pytest.param(kubernetes(version="v1.37.0-rc.0", prerelease=True), id="a pre-release, asked for"),
        pytest.param({"nodes": [{**CP, "roles": ["control-plane", "worker"]}]}, id="a single node"),
        pytest.param({"storage": {}, "object_store": {}}, id="a store on the default class"),
        pytest.param({"object_store": {"storage_class": "ceph"}}, id="a store on a class of others"),
        pytest.param(
            {**kubernetes(distribution="k3s", version="v1.36.3+k3s1"), "object_store": {}},
            id="a store on k3s' own class",
        ),
        pytest.param(
            {"storage": {}, "object_store": {"placement": {"node_selector": {"made.elsewhere/x": "y"}}}},
            id="a store where others label",
        ),
        pytest.param({"ssh": {"jump": "cp1"}}, id="all through one node, which is reached directly"),
        pytest.param({"ssh": {"jump": "ops@192.168.1.1:2222"}}, id="all through a bastion"),
    ],
)
def test_what_is_allowed_is_not_complained_about(keys: dict[str, Any]) -> None:
    assert said(broken_rules(cluster(**keys))) == []


def test_a_key_file_that_is_missing_is_a_mistake_where_it_will_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    path = tmp_path / "lab.yaml"
    path.write_text(
        "name: lab\n"
        "ssh: {key: ~/.local/state/slipway/labs/lab/id_ed25519}\n"
        "nodes:\n"
        "  - {name: cp1, address: 10.0.0.11, roles: [control-plane], ssh: {key: ~/keys/cp1}}\n"
    )
    with pytest.raises(InventoryError) as caught:
        load_cluster(path)

    assert str(caught.value) == (
        f"{path} is not a valid cluster:\n"
        f"  ssh.key (line 2): {tmp_path}/.local/state/slipway/labs/lab/id_ed25519 is not a file;"
        " `slipway lab up` makes it\n"
        f"  nodes[0].ssh.key (line 4): {tmp_path}/keys/cp1 is not a file;"
        " name the private key that the hosts know, or make one with ssh-keygen"
    )
    assert load_cluster(path, keys_exist=False).ssh.key == Path(
        f"{tmp_path}/.local/state/slipway/labs/lab/id_ed25519"
    )


def test_ipvs_is_a_warning_and_no_mistake() -> None:
    declared = cluster(kubernetes={"proxy_mode": "ipvs"})

    assert broken_rules(declared) == []
    assert said(warnings(declared)) == [
        "kubernetes.proxy_mode: ipvs is deprecated since Kubernetes 1.35 and will be removed; use nftables"
    ]
    assert warnings(cluster()) == []
