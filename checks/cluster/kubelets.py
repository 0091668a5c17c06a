"""Kubelets run with the declared configuration, asked from themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.cluster.snapshot import Snapshot
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster


def configuration(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """What the inventory declares about the kubelet is what configz answers; the rest is upstream's."""
    wanted = _declared(cluster)
    for node in cluster.nodes:
        answer = seen.configz[node.name]
        data = answer.data()
        if not isinstance(data, dict) or not isinstance(data.get("kubeletconfig"), dict):
            yield unread("K8S-04", node.name, answer.cause if answer.text is None else "no kubeletconfig")
            continue
        wrong = [
            f"{name}: found {found!r}, wanted {value!r}"
            for name, value in wanted.items()
            if not _same(found := data["kubeletconfig"].get(name), value)
        ]
        yield judged(
            "K8S-04",
            node.name,
            not wrong,
            found=f"{len(wanted) - len(wrong)}/{len(wanted)} declared settings in effect",
            wanted=f"{len(wanted)}/{len(wanted)}",
            detail="\n".join(wrong),
        )


def _declared(cluster: Cluster) -> dict[str, Any]:
    gates = cluster.kubernetes.feature_gates
    reserved = cluster.kubernetes.reserved
    return {
        **({} if cluster.is_k3s else {"cgroupDriver": "systemd"}),
        "systemReserved": {"cpu": reserved.cpu, "memory": reserved.memory},
        **cluster.kubernetes.kubelet,
        **({"featureGates": dict(gates)} if gates else {}),
    }


def _same(found: Any, wanted: Any) -> bool:
    """Say whether a value is as wanted; of a mapping, only the wanted keys are looked at."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_same(found.get(key), value) for key, value in wanted.items())
    return bool(found == wanted)
