"""Where a host is and how it is reached: the inventory's answer, ready for SSH."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from deploy.engine import hostkeys
from deploy.model import Cluster, Node

ROOT = "root"


@dataclass(frozen=True, slots=True)
class Target:
    """One SSH server; `via` is the one to go through."""

    name: str
    address: str
    port: int
    user: str
    key: Path | None
    become: bool = False
    via: Target | None = None

    @property
    def entry(self) -> str:
        """Return how known_hosts calls it."""
        return hostkeys.entry_name(self.address, self.port)

    @override
    def __str__(self) -> str:
        through = f" through {self.via.name}" if self.via else ""
        return f"{self.name} ({self.address} port {self.port}{through})"


def target(cluster: Cluster, node: Node) -> Target:
    """Return where a node is."""
    ssh = cluster.ssh_of(node)
    via = _jump(cluster, node, ssh.jump) if ssh.jump else None
    become = ssh.become and ssh.user != ROOT
    return Target(node.name, str(node.address), ssh.port, ssh.user, ssh.key, become, via)


def _jump(cluster: Cluster, node: Node, jump: str) -> Target | None:
    """Return the host to go through; a node that is named as everybody's jump host goes straight."""
    if jump == node.name:
        return None
    ssh = cluster.ssh_of(node)
    if any(jump == other.name for other in cluster.nodes):
        other = cluster.node(jump)
        there = cluster.ssh_of(other)
        return Target(other.name, str(other.address), there.port, there.user, there.key)
    user, _, place = jump.rpartition("@")
    host, _, port = place.partition(":")
    return Target(host, host, int(port or hostkeys.SSH_PORT), user or ssh.user, ssh.key)
