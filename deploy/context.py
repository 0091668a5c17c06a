"""The only untyped door: pyinfra's current host -> the `Node` and `Cluster` it stands for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pyinfra import host

from deploy.model import Cluster, Node

CLUSTER = "slipway_cluster"
NODE = "slipway_node"
LOCK = "slipway_lock"
SPEAKER = "slipway_speaker"
REHASH = "slipway_rehash"


@lru_cache(maxsize=8)
def _parsed(text: str) -> Cluster:
    return Cluster.model_validate_json(text)


def host_data(cluster: Cluster, node: Node, lock: str) -> dict[str, Any]:
    """Return what pyinfra's host carries so that steps need no arguments; `lock` is the lock file's path."""
    return {CLUSTER: cluster.model_dump_json(), NODE: node.name, LOCK: lock}


def cluster() -> Cluster:
    """Return the cluster that the current host belongs to."""
    return _parsed(host.data.get(CLUSTER))


def node() -> Node:
    """Return the node that the current host is."""
    return cluster().node(host.data.get(NODE))


def lock_path() -> str:
    """Return the path of the lock file that pins what may be installed."""
    return str(host.data.get(LOCK))


def speaks() -> bool:
    """Say whether the current host is the one that talks to the API for the whole cluster.

    The engine names a Ready control plane; plain pyinfra does not, and then it is the first.
    """
    return speaker() == node().name


def speaker() -> str:
    """Return the name of the host that talks to the API for the whole cluster."""
    return str(host.data.get(SPEAKER) or cluster().control_planes[0].name)


def founds() -> bool:
    """Say whether the current host is the first control plane, which the cluster begins with.

    The engine runs a step on the hosts of its phase only; plain pyinfra runs it on every host.
    """
    return node() == cluster().control_planes[0]


def follows() -> bool:
    """Say whether the current host is one of the control planes that join the first."""
    return node() in cluster().control_planes[1:]


def works() -> bool:
    """Say whether the current host is a worker only."""
    return node() in cluster().workers


def rehashes() -> bool:
    """Say whether installed files are hashed again though their stamps still fit, as drift wants it."""
    return bool(host.data.get(REHASH))
