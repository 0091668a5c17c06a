"""What all pods of a model are: unprivileged, with room to write in memory-backed or empty folders alone."""

from __future__ import annotations

from typing import Any

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


def spec(model: Model) -> Object:
    """Return what the pods have in common."""
    security: Object = {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "automountServiceAccountToken": False,
        # a Service called vllm would set VLLM_PORT to a URL, on which the engine ends
        "enableServiceLinks": False,
        "securityContext": security,
        **model.placement.as_pod(),
    }


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
