"""Whose host it is: what slipway wrote on it when it first prepared it."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

PATH = "/etc/slipway/cluster.json"
# Where kubeadm and k3s keep what makes a host a member; before that, nothing of a cluster is settled.
MEMBER = (
    "/etc/kubernetes/kubelet.conf",
    "/etc/kubernetes/manifests/kube-apiserver.yaml",
    "/var/lib/rancher/k3s/agent/kubelet.kubeconfig",
)
COMMAND = (
    f'[ -e {PATH} ] && echo "identity $(base64 -w0 < {PATH})"; '
    f'for f in {" ".join(MEMBER)}; do [ -e "$f" ] && echo "member"; done; echo end'
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the host remembers: its cluster, its name in it, and the values that may not change."""

    cluster: str
    node: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """`identity` is None on a host that nobody claimed; `member` once it has joined a cluster."""

    identity: Identity | None
    member: bool


class UnreadableIdentityError(ValueError):
    """The host has an identity that cannot be read."""


def render(identity: Identity) -> bytes:
    """Return the file's content, equal for equal identities."""
    document = {"name": identity.cluster, "node": identity.node, "values": identity.values}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def _identity(content: str) -> Identity:
    try:
        document = json.loads(base64.b64decode(content, validate=True))
        found = Identity(document["name"], document["node"], document["values"])
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise UnreadableIdentityError(f"{PATH} is not what slipway writes") from error
    if not (
        isinstance(found.cluster, str) and isinstance(found.node, str) and isinstance(found.values, dict)
    ):
        raise UnreadableIdentityError(f"{PATH} is not what slipway writes")
    return found


def parse(text: str) -> Claim | None:
    """Read the tagged lines; None when the output is cut off."""
    lines = text.splitlines()
    if "end" not in lines:
        return None
    found = [line.removeprefix("identity ") for line in lines if line.startswith("identity ")]
    return Claim(_identity(found[0]) if found else None, "member" in lines)
