"""The Kubernetes version that a node lives with."""

from __future__ import annotations

import re
from collections.abc import Sequence

from deploy.observe import api
from deploy.observe.kubeadm import KUBELET_CONF

NONE = "no node"


def command(node: str) -> str:
    """Return what asks the API for the kubelet that runs, and the binary where the API is silent."""
    ask = api.command([f"/api/v1/nodes/{node}"], KUBELET_CONF)
    return (
        f"[ -e {KUBELET_CONF} ] || {{ echo '{NONE}'; exit 0; }}\n"
        f'{{ {ask} }} | grep -o \'"kubeletVersion": *"[^"]*"\' || kubelet --version 2>/dev/null || true; echo'
    )


def parse(lines: Sequence[str]) -> str | None:
    """Return the version, such as v1.36.3; "" on a host that is no node; None when it is unread."""
    text = "\n".join(lines)
    found = re.search(r"v\d+\.\d+\.\d+", text)
    return found[0] if found else ("" if NONE in text else None)
