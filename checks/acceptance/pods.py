"""What the API says about the probe's pods and Service: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.observe.balanced import address_of

PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")


@dataclass(frozen=True, slots=True)
class Pod:
    """A probe pod on its node; `why` is the cause when it is not Ready."""

    name: str
    node: str
    address: str
    digest: str
    why: str | None

    @property
    def unpulled(self) -> bool:
        """Say whether it waits for its image."""
        return self.why is not None and self.why.startswith(PULL_REASONS)


def pods(items: Sequence[Mapping[str, Any]]) -> dict[str, Pod]:
    """Return the probe's pods by node; one that is not scheduled yet has none."""
    return {each.node: each for each in map(pod, items) if each.node}


def pod(item: Mapping[str, Any]) -> Pod:
    """Return a pod as the API shows it."""
    status = item.get("status", {})
    containers = status.get("containerStatuses") or [{}]
    return Pod(
        name=item["metadata"]["name"],
        node=item["spec"].get("nodeName", ""),
        address=status.get("podIP", ""),
        digest=containers[0].get("imageID", "").rpartition("@")[2],
        why=_why(status, containers[0]),
    )


def _why(status: Mapping[str, Any], container: Mapping[str, Any]) -> str | None:
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    if conditions.get("Ready", {}).get("status") == "True":
        return None
    for state in container.get("state", {}).values():
        if "reason" in state:
            return f"{state['reason']} {state.get('message', '')}".strip()
    return str(conditions.get("PodScheduled", {}).get("message") or "it starts")


def missing(found: Mapping[str, Pod], nodes: Sequence[str]) -> str | None:
    """Return which of the nodes have no Ready pod, and why; None when all have."""
    waiting = [
        f"{name}: {found[name].why if name in found else 'no pod yet'}"
        for name in nodes
        if name not in found or found[name].why is not None
    ]
    return f"{len(nodes) - len(waiting)}/{len(nodes)} pods ready ({'; '.join(waiting)})" if waiting else None


@dataclass(frozen=True, slots=True)
class Front:
    """The Service: its address in the cluster, the port on every node, and what the balancer gave it."""

    cluster_ip: str
    node_port: int
    balanced: str | None


def front(item: Mapping[str, Any]) -> Front:
    """Return the Service's addresses."""
    return Front(
        cluster_ip=item["spec"]["clusterIP"],
        node_port=int(item["spec"]["ports"][0]["nodePort"]),
        balanced=address_of(item),
    )
