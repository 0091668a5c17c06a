"""Kubelets run with the declared configuration, asked from themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.cluster.snapshot import Snapshot
from checks.finding import Finding
from checks.say import but, judged, unread
from deploy.catalog.kubelet import settings
from deploy.model import Cluster
from deploy.model.settings import merged
from deploy.observe.difference import at

# who may ask a kubelet: kubeadm's and k3s' own settings, without which anybody may run what they like in its
# pods (kubernetes/kubernetes cmd/kubeadm/app/componentconfigs/kubelet.go, k3s-io/k3s pkg/daemons/agent)
GUARDED = {
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True}},
    "authorization": {"mode": "Webhook"},
}
SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
PART = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")


def configuration(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """What was given to the kubelet, and who may ask it, is what configz answers; the rest is upstream's."""
    wanted = dict(_leaves(_wanted(cluster)))
    for node in cluster.nodes:
        running = seen.kubelet(node.name)
        if running is None:
            yield unread("K8S-04", node.name, seen.unconfigured(node.name))
            continue
        wrong = {
            ".".join(path): f"found {found!r}, wanted {value!r}"
            for path, value in wanted.items()
            if not _same(found := at(running, path), value)
        }
        yield judged(
            "K8S-04",
            node.name,
            not wrong,
            found=f"{len(wanted) - len(wrong)}/{len(wanted)} settings in effect{but(wrong)}",
            wanted=f"{len(wanted)}/{len(wanted)}",
            detail="\n".join(f"{name}: {what}" for name, what in wrong.items()),
        )


def _wanted(cluster: Cluster) -> dict[str, Any]:
    base = GUARDED if cluster.is_k3s else {**GUARDED, "cgroupDriver": "systemd"}
    given = merged(base, settings(cluster))
    return {name: value for name, value in given.items() if name not in ("apiVersion", "kind")}


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, each in value.items():
        yield from _leaves(each, (*path, str(name)))


def _same(found: Any, wanted: Any) -> bool:
    """Say whether a value is as wanted: 90s is 1m30s, and Go leaves out what is zero or empty."""
    if found is None:
        return wanted in (None, False, 0, "", [])
    if found == wanted and isinstance(found, bool) == isinstance(wanted, bool):
        return True
    return (seconds := _seconds(wanted)) is not None and seconds == _seconds(found)


def _seconds(value: Any) -> float | None:
    """Return the length of one of Go's durations."""
    parts = PART.findall(value) if isinstance(value, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != value:
        return None
    return sum(float(number) * SECONDS[unit] for number, unit in parts)
