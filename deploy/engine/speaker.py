"""Which control plane answers for the cluster, and what it says of the nodes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import gevent

from deploy.engine.link import Ran
from deploy.engine.session import Session
from deploy.errors import RunError
from deploy.model.api_server import ADMIN
from deploy.observe import api

KUBECTL = f"kubectl --kubeconfig {ADMIN} --request-timeout=10s"
CORDONED = "slipway.dev/cordoned"  # annotation: we cordoned the node, so we uncordon it
PATIENCE = 20.0  # seconds that a living cluster's API server may be silent; its restart takes about ten
ASKED_EVERY = 2.0
# What a host has only once an API server has answered it: the kubelet's certificate that was signed there, or
# the kubeconfig that k3s gives to its own. `kubeadm init` writes a kubelet.conf long before its API is up.
JOINED = (
    "grep -qs kubelet-client-current.pem /etc/kubernetes/kubelet.conf"
    " || test -e /var/lib/rancher/k3s/agent/kubelet.kubeconfig"
)


@dataclass(frozen=True, slots=True)
class KubeNode:
    """A node as the API knows it; `labels` are their names, None where the API told nothing."""

    name: str
    ready: bool
    unschedulable: bool
    cordoned_by_us: bool
    labels: frozenset[str] | None = None


def asking(path: str) -> str:
    """Return what reads a path of the API as its administrator, for less than half of what kubectl costs."""
    return api.command([path], ADMIN)


def said(ran: Ran) -> api.Said:
    """Return the one answer; a host that said nothing gives none."""
    return next(iter(api.said(ran.out.split("\n"))), api.Said(api.NOT_ASKED, "", ran.err))


def speaker(session: Session) -> str | None:
    """Return the first control plane whose API server answers; None when none does."""
    candidates = [node.name for node in session.cluster.control_planes if node.name in session.hosts]
    answers = session.run_many(dict.fromkeys(candidates, asking("/readyz")), timeout=15)
    return next((name for name in candidates if name in answers and said(answers[name]).answered), None)


def awaited(session: Session) -> str | None:
    """Return the first control plane that answers within PATIENCE: a restart of one is no empty cluster."""
    until = time.monotonic() + PATIENCE
    while (found := speaker(session)) is None and time.monotonic() + ASKED_EVERY < until:
        gevent.sleep(ASKED_EVERY)
    return found


def joined(session: Session) -> dict[str, KubeNode]:
    """Return the hosts that say of themselves that they are nodes, of which the API tells nothing just now.

    A host that could not be read is taken for one: there may be pods on it.
    """
    answers = session.run_many(dict.fromkeys(session.hosts, JOINED), timeout=15)
    return {
        name: KubeNode(name, ready=False, unschedulable=False, cordoned_by_us=False)
        for name, ran in answers.items()
        if ran.rc != 1
    }


def nodes(session: Session, by: str) -> dict[str, KubeNode]:
    """Return the nodes that have joined, asked of the control plane `by`."""
    answer = said(session.run(by, asking("/api/v1/nodes"), timeout=30))
    if not answer.answered:
        raise RunError(f"{by}: the API server did not list its nodes: {answer.cause}")
    try:
        items = json.loads(answer.text)["items"]
    except (ValueError, LookupError, TypeError):
        raise RunError(f"{by}: the API server broke off when it listed its nodes") from None
    return {found.name: found for found in map(kube_node, items)}


def kube_node(item: dict[str, Any]) -> KubeNode:
    """Return what a Node object says."""
    conditions = item["status"].get("conditions", [])
    return KubeNode(
        name=item["metadata"]["name"],
        ready=any(each["type"] == "Ready" and each["status"] == "True" for each in conditions),
        unschedulable=bool(item["spec"].get("unschedulable")),
        cordoned_by_us=CORDONED in item["metadata"].get("annotations", {}),
        labels=frozenset(item["metadata"].get("labels") or ()),
    )
