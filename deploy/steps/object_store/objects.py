"""What every pod of the object store has in common: names, labels, and how little it may do."""

from __future__ import annotations

from typing import Any

NAMESPACE = "object-store"
PHASE = "object-store"
USER = "object-store-user"
OWNED = {"app.kubernetes.io/managed-by": "slipway"}
UID = 1000
Object = dict[str, Any]
# every namespace has the cluster's CA, which signs the store's certificate
AUTHORITY: Object = {"name": "ca", "configMap": {"name": "kube-root-ca.crt"}}
CA = "/run/ca"
CONTAINED: Object = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def namespace() -> Object:
    """Return the namespace; its pods keep to the strictest of the Pod Security Standards."""
    labels = {**OWNED, "pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def metadata(name: str, component: str) -> Object:
    """Return the metadata of an object of ours in the store's namespace."""
    labels = {"app.kubernetes.io/name": component, **OWNED}
    return {"name": name, "namespace": NAMESPACE, "labels": labels}


def pod(container: Object, volumes: list[Object], **more: Any) -> Object:
    """Return the spec of a pod that is no root, and gets nothing that it did not ask for."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": UID,
            "runAsGroup": UID,
            "fsGroup": UID,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [{**container, "securityContext": CONTAINED}],
        "volumes": volumes,
        **more,
    }


def secret(variable: str, name: str, key: str) -> Object:
    """Return a variable of a container that comes from a Secret."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}
