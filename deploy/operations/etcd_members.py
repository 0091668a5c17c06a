"""etcd members that can never start again: a host that lost its data, and joins under its old name."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from deploy.errors import HostError
from deploy.observe import kube
from deploy.operations import elsewhere

PKI = "/etc/kubernetes/pki/etcd"
PEER_PORT = 2380


def forgotten(speaker: str, node: str, address: str) -> None:
    """Remove the member of a joining node that has no data, so that it can become one anew.

    Only a member of exactly this name, or the nameless learner of exactly this address, is removed: without
    its data it could not start any more, and while it is counted the others are nearer to losing quorum.
    """
    lines = elsewhere.said(speaker, _etcdctl(speaker, "member", "list", "-w", "json"))
    for member in stale("\n".join(lines), node, address):
        elsewhere.said(speaker, _etcdctl(speaker, "member", "remove", member))


def stale(listed: str, node: str, address: str) -> list[str]:
    """Return the ids, in hex as etcdctl takes them, of a node's members in etcdctl's JSON."""
    try:
        members = json.loads(listed)["members"]
    except (ValueError, KeyError, TypeError):
        raise HostError(f"etcd's members could not be read: {listed[:200]}") from None
    peer = f"https://{address}:{PEER_PORT}"
    return [
        f"{member['ID']:x}"
        for member in members
        if member.get("name") == node or (not member.get("name") and member.get("peerURLs") == [peer])
    ]


def _etcdctl(speaker: str, *words: str) -> str:
    client = [f"--cacert={PKI}/ca.crt", f"--cert={PKI}/healthcheck-client.crt"]
    client += [f"--key={PKI}/healthcheck-client.key", "--endpoints=https://127.0.0.1:2379"]
    inside: Sequence[str] = ("kubectl", "exec", "-n", "kube-system", f"etcd-{speaker}", "--", "etcdctl")
    return f"{kube.ENVIRONMENT}\n{shlex.join([*inside, *client, *words])}"
