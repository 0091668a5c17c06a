"""etcd members that can never start again: a host that lost its data, and joins under its old name."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.errors import HostError
from deploy.observe import kube
from deploy.operations import elsewhere

PKI = "/etc/kubernetes/pki/etcd"
PEER_PORT = 2380


def forgotten(speaker: str, node: str, address: str) -> None:
    """Remove the member of a joining node that has no data, so that it can become one anew.

    Only the member of exactly this address, under this name or, as a learner, none yet, is removed: without
    its data it could not start any more, and while it is counted the others are nearer to losing quorum.
    """
    lines = elsewhere.said(speaker, _etcdctl(speaker, "member", "list", "-w", "json"))
    for member in stale("\n".join(lines), node, address):
        elsewhere.said(speaker, _etcdctl(speaker, "member", "remove", member))


def stale(listed: str, node: str, address: str) -> list[str]:
    """Return the ids, in hex as etcdctl takes them, of a node's members in etcdctl's JSON.

    A member of this name at another address may be a healthy voter: it is an error, and stays.
    """
    try:
        members = json.loads(listed)["members"]
    except (ValueError, KeyError, TypeError):
        raise HostError(f"etcd's members could not be read: {listed[:200]}") from None
    peer = [f"https://{address}:{PEER_PORT}"]
    namesakes = [each for each in members if each.get("name") == node and each.get("peerURLs") != peer]
    if namesakes:
        raise HostError("\n".join(_namesake(each, address) for each in namesakes))
    return [
        f"{member['ID']:x}"
        for member in members
        if member.get("peerURLs") == peer and (member.get("name") or "") in ("", node)
    ]


def _namesake(member: Mapping[str, Any], address: str) -> str:
    node, at = member["name"], ", ".join(member.get("peerURLs") or ["no address"])
    return (
        f"etcd has a member {node} at {at}, and {node} is to join with {address}. It may hold the cluster's "
        f"data, so nothing is removed. Give {node} its old address again, or another name; if that member is "
        f"gone for good, remove it on a control plane: etcdctl member remove {member['ID']:x}"
    )


def _etcdctl(speaker: str, *words: str) -> str:
    client = [f"--cacert={PKI}/ca.crt", f"--cert={PKI}/healthcheck-client.crt"]
    client += [f"--key={PKI}/healthcheck-client.key", "--endpoints=https://127.0.0.1:2379"]
    inside: Sequence[str] = ("kubectl", "exec", "-n", "kube-system", f"etcd-{speaker}", "--", "etcdctl")
    return f"{kube.ENVIRONMENT}\n{shlex.join([*inside, *client, *words])}"
