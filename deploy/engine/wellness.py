"""Whether a node that was disturbed is well again: its kubelet reports, it is Ready, its pods are."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.engine import speaker
from deploy.engine.session import Session
from deploy.errors import RunError

SEPARATOR = "---"


@dataclass(frozen=True, slots=True)
class Wellness:
    """A node as the API knows it: when its kubelet last reported (its clock, epoch seconds), and its pods."""

    reported: float
    ready: bool
    pods: Mapping[str, bool]

    @property
    def ready_pods(self) -> frozenset[str]:
        """The pods that are Ready."""
        return frozenset(name for name, ready in self.pods.items() if ready)

    def lacks(self, since: float, pods: frozenset[str]) -> str | None:
        """Say what is missing for the node to be well: a report after `since`, Ready, and these pods."""
        if self.reported <= since:
            return "its kubelet has not reported since"
        if not self.ready:
            return "it is not Ready"
        if waiting := sorted(name for name in pods if not self.pods.get(name, True)):
            return f"pods that were Ready are not: {', '.join(waiting)}"
        return None


def read(session: Session, by: str, name: str) -> Wellness:
    """Ask the control plane `by` about a node; raise RunError when it does not answer."""
    node, selector = shlex.quote(name), shlex.quote(f"spec.nodeName={name}")
    script = f" && echo {SEPARATOR} && ".join(
        (
            f"{speaker.KUBECTL} -n kube-node-lease get lease {node} -o json",
            f"{speaker.KUBECTL} get node {node} -o json",
            f"{speaker.KUBECTL} get pods -A --field-selector {selector} -o json",
        )
    )
    ran = session.run(by, script, timeout=45)
    if not ran.ok:
        raise RunError(f"{by}: the API server did not tell how {name} is: {ran.err.strip()}")
    return parse(ran.out)


def parse(text: str) -> Wellness:
    """Return what a node's lease, the node and its pods say."""
    lease, node, pods = (json.loads(part) for part in text.split(f"\n{SEPARATOR}\n"))
    renewed = datetime.fromisoformat(lease["spec"]["renewTime"])
    items: list[dict[str, Any]] = pods["items"]
    return Wellness(
        reported=renewed.timestamp(),
        ready=speaker.kube_node(node).ready,
        pods={_name(item): _ready(item) for item in items if item["status"].get("phase") != "Succeeded"},
    )


def _name(pod: dict[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def _ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
