"""Which host keys are new, known or changed, and getting them from the hosts, jump hosts first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import paramiko
from gevent.pool import Pool

from deploy.engine import hostkeys
from deploy.engine.connect import Connector, RefusedError
from deploy.engine.target import Target, target
from deploy.engine.trouble import Trouble
from deploy.model import Cluster


class Standing(StrEnum):
    """How a key that a host shows stands to what is known of the host."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Shown:
    """A key that a host showed; `known` are the keys that were accepted of it before."""

    target: Target
    key: paramiko.PKey
    known: tuple[paramiko.PKey, ...]

    @property
    def standing(self) -> Standing:
        """Return whether the key is new, known, or another than before."""
        if self.key in self.known:
            return Standing.KNOWN
        return Standing.CHANGED if self.known else Standing.NEW


def rounds(cluster: Cluster) -> list[list[Target]]:
    """Return whom to ask, in order: what is gone through must be trusted before what lies behind it."""
    nodes = [target(cluster, node) for node in cluster.nodes]
    jumps = {each.via.entry: each.via for each in nodes if each.via}
    straight = [each for each in nodes if each.via is None and each.entry not in jumps]
    behind = [each for each in nodes if each.via is not None]
    return [wave for wave in ([*jumps.values(), *straight], behind) if wave]


def ask(targets: Iterable[Target], known_hosts: Path, inventory: str) -> list[Shown | Trouble]:
    """Return what each host shows, or what is in the way; nobody logs in, but on jump hosts."""
    known = hostkeys.known(known_hosts)
    connector = Connector(known, inventory)

    def one(each: Target) -> Shown | Trouble:
        try:
            key = connector.host_key(each)
        except RefusedError as refused:
            return refused.trouble
        return Shown(each, key, tuple((known.lookup(each.entry) or {}).values()))

    try:
        return Pool(16).map(one, targets)
    finally:
        connector.close()
