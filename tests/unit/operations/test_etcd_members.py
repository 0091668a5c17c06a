"""Which etcd member of a joining node is dead: the one of its address, under its name or none yet."""

from __future__ import annotations

import json

import pytest

from deploy.errors import HostError
from deploy.operations import etcd_members

LISTED = json.dumps(
    {
        "members": [
            {"ID": 10501334649042878790, "name": "cp1", "peerURLs": ["https://10.89.7.11:2380"]},
            {"ID": 255, "name": "cp2", "peerURLs": ["https://10.89.7.12:2380"]},
            {"ID": 256, "peerURLs": ["https://10.89.7.13:2380"], "isLearner": True},
        ]
    }
)


@pytest.mark.parametrize(
    ("node", "address", "members"),
    [
        ("cp2", "10.89.7.12", ["ff"]),
        ("cp3", "10.89.7.13", ["100"]),
        ("cp4", "10.89.7.14", []),
        ("cp4", "10.89.7.11", []),
    ],
)
def test_only_the_joining_nodes_own_member_is_dead(node: str, address: str, members: list[str]) -> None:
    assert etcd_members.stale(LISTED, node, address) == members


def test_a_list_that_cannot_be_read_removes_nobody() -> None:
    with pytest.raises(HostError, match="etcd's members could not be read: Error: context deadline exceeded"):
        etcd_members.stale("Error: context deadline exceeded", "cp2", "10.89.7.12")


def test_a_member_of_the_same_name_at_another_address_may_be_alive_and_stays() -> None:
    with pytest.raises(HostError) as refused:
        etcd_members.stale(LISTED, "cp2", "10.89.7.22")

    assert str(refused.value) == (
        "etcd has a member cp2 at https://10.89.7.12:2380, and cp2 is to join with 10.89.7.22. It may hold "
        "the cluster's data, so nothing is removed. Give cp2 its old address again, or another name; if that "
        "member is gone for good, remove it on a control plane: etcdctl member remove ff"
    )
