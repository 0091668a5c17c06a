"""A declared cluster of two, and what the API of a good one answers."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.cluster.snapshot import Answer, Snapshot
from deploy.catalog import Lock
from deploy.catalog.lock import _Document
from deploy.model import Cluster


@dataclass(frozen=True)
class Ran:
    """What a command on a host came to, as the checks see it."""

    rc: int = 0
    out: str = ""
    err: str = ""


def kubectl_words(command: str) -> str:
    """Return what a command has kubectl do at once; a timer set before it and one stopped after it go by."""
    at_once = re.split(r"--request-timeout=\d+s ", command)[-1]
    return at_once.partition(" && { systemctl stop ")[0]


DIGEST = "sha256:" + "a" * 64
CLUSTER = Cluster.model_validate(
    {
        "name": "homelab",
        "nodes": [
            {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
            {"name": "w1", "address": "10.0.0.12", "roles": ["worker"], "labels": {"tier": "gpu"}},
        ],
        "host": {"time": "none"},
        "load_balancer": {"pool": ["10.0.0.200-10.0.0.201"]},
    }
)
LOCK = Lock(
    Path("homelab.lock.yaml"),
    _Document.model_validate(
        {
            "files": {
                "containerd": {
                    "version": "v2.3.7",
                    "pins": {"amd64": {"url": "https://github.com/x", "sha256": "b" * 64}},
                }
            },
            "images": {"agnhost@v1.36.3": {"ref": "registry.k8s.io/agnhost:2.63.0", "digest": DIGEST}},
        }
    ),
)


def node(name: str, address: str, **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}],
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": ""}],
            "nodeInfo": {"kubeletVersion": "v1.36.3"},
        },
    }


def pod(namespace: str, name: str, on: str, ready: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"nodeName": on},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]},
    }


def daemonset(namespace: str, name: str, desired: int = 2, ready: int = 2) -> dict[str, Any]:
    status = {"desiredNumberScheduled": desired, "numberReady": ready, "updatedNumberScheduled": ready}
    return {"metadata": {"namespace": namespace, "name": name}, "spec": {}, "status": status}


def deployment(namespace: str, name: str, replicas: int, ready: int) -> dict[str, Any]:
    return {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": ready, "updatedReplicas": ready},
    }


def storage_class(
    name: str, *, default: bool = True, binding: str = "WaitForFirstConsumer"
) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    return {"metadata": {"name": name, "annotations": annotations}, "volumeBindingMode": binding}


def claim(namespace: str, name: str, phase: str = "Bound", of: str = "local-path") -> dict[str, Any]:
    bound = {"volumeName": f"pvc-{name}"} if phase == "Bound" else {}
    return {
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"storageClassName": of, **bound},
        "status": {"phase": phase},
    }


def volume(name: str, policy: str = "Retain", **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"persistentVolumeReclaimPolicy": policy, **spec}}


def statefulset(namespace: str, name: str, ready: int = 1) -> dict[str, Any]:
    status = {"readyReplicas": ready, "updatedReplicas": ready, "observedGeneration": 2}
    metadata = {"namespace": namespace, "name": name, "generation": 2}
    return {"metadata": metadata, "spec": {"replicas": 1}, "status": status}


def registry_objects(
    deployments: Sequence[dict[str, Any]], services: Sequence[dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return a good plain registry's Deployment and Services, beside others."""
    status = {"availableReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1}
    where = {"namespace": "registry", "name": "registry"}
    up = {"metadata": {**where, "generation": 1}, "spec": {"replicas": 1}, "status": status}
    inside = {"metadata": where, "spec": {"type": "ClusterIP", "clusterIP": "10.43.0.20", "ports": []}}
    given = {"loadBalancer": {"ingress": [{"ip": "10.0.0.201"}]}}
    outside = {
        "metadata": {**where, "name": "registry-external"},
        "spec": {"type": "LoadBalancer", "clusterIP": "10.43.9.9", "ports": [{"port": 443}]},
        "status": given,
    }
    return {"deployments": [*deployments, up], "services": [*services, inside, outside]}


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


LISTS: dict[str, list[dict[str, Any]]] = {
    "namespaces": [namespace("kube-system")],
    "nodes": [node("cp1", "10.0.0.11"), node("w1", "10.0.0.12", tier="gpu")],
    "pods": [
        *(
            pod("kube-system", f"{name}-cp1", "cp1")
            for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
        ),
        pod("metallb-system", "metallb-speaker-x", "w1"),
    ],
    "daemonsets": [
        daemonset("kube-system", "kube-proxy"),
        daemonset("kube-flannel", "kube-flannel-ds"),
        daemonset("metallb-system", "metallb-speaker"),
    ],
    "deployments": [
        deployment("kube-system", "coredns", 2, 2),
        deployment("metallb-system", "metallb-controller", 1, 1),
    ],
    "services": [],
    "pools": [{"metadata": {"name": "default"}, "spec": {"addresses": ["10.0.0.200/31"]}}],
    "advertisements": [{"metadata": {"name": "default"}, "spec": {"ipAddressPools": ["default"]}}],
}
CONFIGZ: dict[str, Any] = {
    "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": True, "cacheTTL": "2m0s"}},
    "authorization": {"mode": "Webhook"},
    "cgroupDriver": "systemd",
    "maxPods": 110,
    "shutdownGracePeriod": "30s",
    "shutdownGracePeriodCriticalPods": "10s",
    "systemReserved": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
}


def seen(change: Callable[[dict[str, list[dict[str, Any]]]], Any] | None = None) -> Snapshot:
    """Return what a good cluster answers, after a change."""
    lists = copy.deepcopy(LISTS)
    if change is not None:
        change(lists)
    texts = {
        "ready": "ok",
        "version": '{"gitVersion": "v1.36.3"}',
        **{name: json.dumps({"items": items}) for name, items in lists.items()},
    }
    answer = Answer(json.dumps({"kubeletconfig": CONFIGZ}))
    return Snapshot({name: Answer(text) for name, text in texts.items()}, {"cp1": answer, "w1": answer})
