"""What the rest of the tool asks a cluster."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model import AddressRange, Cluster, Ssh

ROOT = Path(__file__).parents[3]


def cluster(**keys: Any) -> Cluster:
    nodes = [
        {"name": "w1", "address": "10.0.0.12", "roles": ["worker"]},
        {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
        {"name": "cp2", "address": "10.0.0.13", "roles": ["control-plane", "worker"]},
    ]
    return Cluster.model_validate({"name": "lab", "nodes": nodes, **keys})


def test_a_cluster_survives_the_way_to_a_host_and_back() -> None:
    declared = cluster(
        ssh={"user": "ops", "key": "/keys/ops"},
        kubernetes={"kubelet": {"evictionHard": {"memory.available": "100Mi"}}},
        containerd={"limits": {"nofile": 20000}},
        load_balancer={"pool": ["10.0.0.200/29"], "dhcp_range": "10.0.0.100-10.0.0.150"},
        ignore=[{"check": "HOST-20", "reason": "later", "expires": "2027-03-31"}],
    )

    assert Cluster.model_validate_json(declared.model_dump_json()) == declared


def test_nodes_are_told_apart_by_what_they_run() -> None:
    declared = cluster()

    assert [node.name for node in declared.control_planes] == ["cp1", "cp2"]
    assert [node.name for node in declared.workers] == ["w1"]
    assert declared.node("w1").address == IPv4Address("10.0.0.12")


def test_the_endpoint_is_the_first_control_plane_until_one_is_declared() -> None:
    declared = cluster(kubernetes={"endpoint": "10.0.0.250"})

    assert (cluster().endpoint, cluster().has_virtual_endpoint) == (IPv4Address("10.0.0.11"), False)
    assert (declared.endpoint, declared.has_virtual_endpoint) == (IPv4Address("10.0.0.250"), True)


def test_a_node_is_reached_as_all_are_but_for_what_it_says_itself() -> None:
    nodes = [
        {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
        {"name": "w1", "address": "10.0.0.12", "roles": ["worker"], "ssh": {"port": 22, "become": False}},
    ]
    declared = cluster(nodes=nodes, ssh={"user": "ops", "port": 2222, "key": "/keys/ops", "jump": "cp1"})
    again = Cluster.model_validate_json(declared.model_dump_json())

    assert declared.ssh_of(declared.node("cp1")) == declared.ssh
    assert again.ssh_of(again.node("w1")) == Ssh(
        user="ops", port=22, key=Path("/keys/ops"), become=False, jump="cp1"
    )


def test_a_key_below_home_is_expanded_once_and_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ops")

    assert cluster(ssh={"key": "~/.ssh/id"}).ssh.key == Path("/home/ops/.ssh/id")
    with pytest.raises(ValidationError, match="a path below a home directory that exists"):
        cluster(ssh={"key": "~nobody-of-that-name/id"})


def test_a_number_is_no_day() -> None:
    with pytest.raises(ValidationError, match="a date such as 2027-03-31"):
        cluster(ignore=[{"check": "HOST-20", "reason": "later", "expires": 86400}])


def test_a_cluster_cannot_be_changed_by_who_reads_it() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        cluster().name = "other"  # type: ignore[misc]


def test_a_pool_is_ranges() -> None:
    declared = cluster(load_balancer={"pool": ["10.0.0.200-10.0.0.201", "10.0.0.208/30", "10.0.0.220"]})

    assert [(str(found.first), str(found.last)) for found in declared.pool] == [
        ("10.0.0.200", "10.0.0.201"),
        ("10.0.0.208", "10.0.0.211"),
        ("10.0.0.220", "10.0.0.220"),
    ]
    assert cluster().pool == ()


ADDRESSES = st.ip_addresses(v=4)


@given(ADDRESSES, ADDRESSES, ADDRESSES, ADDRESSES)
def test_ranges_overlap_when_an_end_of_one_is_in_the_other(
    a: IPv4Address, b: IPv4Address, c: IPv4Address, d: IPv4Address
) -> None:
    one, other = (AddressRange(min(pair), max(pair)) for pair in ((a, b), (c, d)))
    ends_meet = one.first in other or one.last in other or other.first in one

    assert one.overlaps(other) == other.overlaps(one) == ends_meet
    assert AddressRange.parse(f"{one.first} - {one.last}") == one


def test_a_range_names_the_networks_it_touches() -> None:
    assert list(AddressRange.parse("10.0.0.250-10.0.2.1").subnets()) == [
        IPv4Network("10.0.0.0/24"),
        IPv4Network("10.0.1.0/24"),
        IPv4Network("10.0.2.0/24"),
    ]
