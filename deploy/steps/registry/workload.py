"""The plain registry's pod: one, since its volume is one pod's."""

from __future__ import annotations

import hashlib
from typing import Any

from deploy.model import ObjectStore, Registry
from deploy.model.labels import OWNED
from deploy.operations.secrets import Where
from deploy.steps.registry import objects
from deploy.steps.registry.objects import NAME, NAMESPACE, S3, TLS, Object

PORT, DEBUG = 5000, 5001
SELECTOR = {"app.kubernetes.io/name": NAME}
AUTH = Where(NAMESPACE, "registry-auth")
HTTP = Where(NAMESPACE, "registry-http")
CONFIG = "/etc/slipway-registry"
# distribution's image names no user, so it would be root; it writes to its volume alone
USER = 65532
MOUNTS = {
    "tls": "/run/tls",
    "auth": "/run/auth",
    "config": CONFIG,
    "layers": "/var/lib/registry",
    "tmp": "/tmp",  # noqa: S108 - a pod's own
    "store-ca": "/run/store",
}
WRITABLE = ("layers", "tmp")


def deployment(registry: Registry, store: ObjectStore | None, image: str, config: str) -> Object:
    """Return the workload; `store` is the object store that layers go to, if they do."""
    volumes = _volumes(store)
    pod: dict[str, Any] = {
        **registry.placement.as_pod(),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(store, image, [each["name"] for each in volumes])],
        "volumes": volumes,
    }
    digest = hashlib.sha256(config.encode()).hexdigest()
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": objects.metadata(NAME),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": SELECTOR},
            "template": {
                "metadata": {
                    "labels": {**SELECTOR, **OWNED},
                    "annotations": {"slipway.dev/config": digest},
                },
                "spec": pod,
            },
        },
    }


def _container(store: ObjectStore | None, image: str, volumes: list[str]) -> Object:
    # every path answers 503 while the store is away, which a restart would not mend
    alive = {"tcpSocket": {"port": PORT}}
    healthy = {"path": "/debug/health", "port": DEBUG}
    return {
        "name": NAME,
        "image": image,
        "command": ["registry", "serve", f"{CONFIG}/config.yml"],
        "env": _environment(store),
        "ports": [{"name": "https", "containerPort": PORT}, {"name": "metrics", "containerPort": DEBUG}],
        "startupProbe": {**alive, "periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {"httpGet": healthy, "periodSeconds": 5, "timeoutSeconds": 3},
        "livenessProbe": {**alive, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": name, "mountPath": MOUNTS[name], **({} if name in WRITABLE else {"readOnly": True})}
            for name in volumes
        ],
    }


def _environment(store: ObjectStore | None) -> list[Object]:
    env = [
        _from("REGISTRY_HTTP_SECRET", HTTP.name, "secret"),
        {"name": "OTEL_TRACES_EXPORTER", "value": "none"},
    ]
    if store is not None:
        env.append(_from("REGISTRY_STORAGE_S3_ACCESSKEY", S3.name, "access-key"))
        env.append(_from("REGISTRY_STORAGE_S3_SECRETKEY", S3.name, "secret-key"))
    if store is not None and (not store.is_external or store.ca):
        # for the AWS SDK in it: distribution takes no CA itself, and the store in the cluster has our own
        folder = MOUNTS["store-ca"] if store.is_external else MOUNTS["tls"]
        env.append({"name": "AWS_CA_BUNDLE", "value": f"{folder}/ca.crt"})
    return env


def _from(name: str, secret: str, key: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _volumes(store: ObjectStore | None) -> list[Object]:
    layers: Object = {"persistentVolumeClaim": {"claimName": NAME}} if store is None else {"emptyDir": {}}
    found = [
        {"name": "tls", "secret": {"secretName": TLS.name, "defaultMode": 0o440}},
        {"name": "auth", "secret": _only(AUTH, "htpasswd")},
        {"name": "config", "configMap": {"name": NAME}},
        {"name": "layers", **layers},
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
    ]
    if store is not None and store.is_external and store.ca:
        found.append({"name": "store-ca", "secret": _only(S3, "ca.crt")})
    return found


def _only(where: Where, key: str) -> Object:
    return {"secretName": where.name, "defaultMode": 0o440, "items": [{"key": key, "path": key}]}
