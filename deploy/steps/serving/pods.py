"""What all pods of a model are: unprivileged, with room to write in memory-backed or empty folders alone."""

from __future__ import annotations

from typing import Any

from deploy.model import Cluster
from deploy.model.serving import Model
from deploy.model.source import SourceKind
from deploy.serving import names

Object = dict[str, Any]
# nobody's: no image has it, and files of all images are readable for it
USER = 65532
SECURE = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def metadata(name: str, model: Model, component: str) -> Object:
    """Return the metadata of one of a model's objects."""
    return {"name": name, "namespace": names.NAMESPACE, "labels": names.labels(model, component)}


def labels(model: Model, component: str) -> dict[str, str]:
    """Return the labels of its pods."""
    return {**names.labels(model, component), "app.kubernetes.io/version": model.version}


def spec(model: Model, *, writable: bool = False) -> Object:
    """Return what the pods have in common; those that write own the files of their volume, as a group."""
    security: Object = {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        # the kubelet hands all files of a volume over to it, and somebody's own claim is read alone
        **({"fsGroup": USER, "fsGroupChangePolicy": "OnRootMismatch"} if writable else {}),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "automountServiceAccountToken": False,
        # a Service called vllm would set VLLM_PORT to a URL, on which the engine ends
        "enableServiceLinks": False,
        "securityContext": security,
        **model.placement.as_pod(),
    }


def is_of_our_registry(cluster: Cluster, model: Model) -> bool:
    """Say whether a model's own image lies in the cluster's registry: pods alone pull it, with a login."""
    return cluster.registry is not None and model.image is not None and cluster.registry.holds(model.image)


def login(cluster: Cluster, model: Model) -> Object:
    """Return the part of a pod's spec that lets it pull its image; nothing where everybody may."""
    return {"imagePullSecrets": [{"name": names.PULL}]} if is_of_our_registry(cluster, model) else {}


def files(model: Model, *, writable: bool = False) -> Object:
    """Return the volume that holds a model's files."""
    claim: Object = {"claimName": names.claim(model)}
    if not writable and model.source.kind is not SourceKind.PVC:
        claim["readOnly"] = True
    return {"name": "models", "persistentVolumeClaim": claim}


def variable(name: str, value: object) -> Object:
    """Return a variable of a container."""
    return {"name": name, "value": str(value)}


def secret(name: str, source: str, key: str) -> Object:
    """Return a variable whose value is a Secret's."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": source, "key": key}}}
