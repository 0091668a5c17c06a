"""The plain CNCF registry: one pod, its volume or a bucket, one account."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlsplit

from deploy import render
from deploy.model import Cluster
from deploy.model.registry import Registry, RegistryStorage
from deploy.operations.secrets import Where
from deploy.operations import derived, kube, rollouts, secrets
from deploy.operations.derived import Htpasswd, Target
from deploy.steps import certificates
from deploy.steps.registry import objects
from deploy.steps.registry.objects import LOGIN, NAME, NAMESPACE, OWNED, PHASE, S3, STORE, TLS, Object

PORT, DEBUG = 5000, 5001
SELECTOR = {"app.kubernetes.io/name": NAME}
AUTH = Where(NAMESPACE, "registry-auth")
HTTP = Where(NAMESPACE, "registry-http")
CONFIG = "/etc/slipway-registry"
BUCKET = "registry"
# the user of distribution's image is root; any other works, since it writes to its volume alone
USER = 65532
ROLLOUT_SECONDS = 300
MOUNTS = {
    "tls": "/run/tls",
    "auth": "/run/auth",
    "config": CONFIG,
    "layers": "/var/lib/registry",
    "tmp": "/tmp",  # noqa: S108 - a pod's own
}


def distribution(cluster: Cluster, registry: Registry, image: str) -> None:
    """Make its account, its certificate and its pod, and wait until it serves."""
    kube.applied(name="Make the namespace", objects=[objects.namespace()], until=PHASE)
    _account(registry)
    read = [AUTH, TLS]
    if registry.storage is RegistryStorage.S3:
        secrets.copied(
            name="Let the registry into the object store",
            source=STORE,
            target=S3,
            keys={"access-key": "access-key", "secret-key": "secret-key"},
            until="object-store",
        )
        read.append(S3)
    certificates.certified(cluster, TLS, *objects.names(cluster), until=PHASE)
    wanted = rendered(cluster, registry, image)
    kube.applied(name="Install the registry", objects=wanted, until=PHASE)
    rollouts.current(
        name="Have its pod read its present certificate and password",
        workload=f"deployment/{NAME}",
        namespace=NAMESPACE,
        selector=f"app.kubernetes.io/name={NAME}",
        secrets=read,
    )
    kube.rolled_out(
        name="Wait for the registry",
        namespace=NAMESPACE,
        workloads=[f"deployment/{NAME}"],
        until=PHASE,
        timeout=ROLLOUT_SECONDS,
    )


def _account(registry: Registry) -> None:
    values = {
        "username": secrets.Fixed(registry.user),
        "password": secrets.Generated(40),
        "http-secret": secrets.Generated(40),
    }
    secrets.kept(name="Keep the registry's password", where=LOGIN, values=values, until=PHASE)
    derived.derived(
        name="Let the registry know it",
        source=LOGIN,
        key="password",
        target=Target(AUTH, "htpasswd"),
        form=Htpasswd(registry.user),
        until=PHASE,
    )
    secrets.copied(
        name="Give the registry what it signs uploads with",
        source=LOGIN,
        target=HTTP,
        keys={"secret": "http-secret"},
        until=PHASE,
    )


def config(cluster: Cluster, registry: Registry) -> str:
    """Return distribution's configuration (distribution/distribution v3.1, docs/content/about/configuration.md)."""
    store, s3 = cluster.object_store, None
    if registry.storage is RegistryStorage.S3 and store is not None:
        secure = store.url.startswith("https:")
        s3 = {"url": store.url, "region": store.region, "bucket": BUCKET, "secure": secure}
    return render.template("registry/config.yml.j2", hostname=registry.hostname, s3=s3).decode()


def rendered(cluster: Cluster, registry: Registry, image: str) -> list[Object]:
    """Return every object but Secrets."""
    text = config(cluster, registry)
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": objects.metadata(NAME),
            "data": {"config.yml": text},
        },
        *([] if registry.storage is RegistryStorage.S3 else [_claim(registry)]),
        _deployment(registry, image, text),
        objects.service(cluster, SELECTOR, PORT),
        *([objects.outside(SELECTOR, PORT)] if objects.is_outside(cluster) else []),
        objects.policy(NAME, SELECTOR, _allowed(cluster, registry)),
    ]


def _claim(registry: Registry) -> Object:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": registry.size}},
    }
    if registry.storage_class:
        spec["storageClassName"] = registry.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": objects.metadata(NAME),
        "spec": spec,
    }


def _deployment(registry: Registry, image: str, text: str) -> Object:
    """Return the workload; its volume is one pod's, so the old pod ends before the new one begins."""
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
        "containers": [_container(registry, image)],
        "volumes": _volumes(registry),
    }
    template = {
        "metadata": {
            "labels": {**SELECTOR, **OWNED},
            "annotations": {"slipway.dev/config": hashlib.sha256(text.encode()).hexdigest()},
        },
        "spec": pod,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": objects.metadata(NAME),
        "spec": {
            "replicas": 1,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": SELECTOR},
            "template": template,
        },
    }


def _container(registry: Registry, image: str) -> Object:
    live = {"path": "/", "port": PORT, "scheme": "HTTPS"}
    env = [_from("REGISTRY_HTTP_SECRET", HTTP.name, "secret")]
    env.append({"name": "OTEL_TRACES_EXPORTER", "value": "none"})
    if registry.storage is RegistryStorage.S3:
        env += [
            _from("REGISTRY_STORAGE_S3_ACCESSKEY", S3.name, "access-key"),
            _from("REGISTRY_STORAGE_S3_SECRETKEY", S3.name, "secret-key"),
            {"name": "SSL_CERT_FILE", "value": "/run/tls/ca.crt"},
        ]
    return {
        "name": NAME,
        "image": image,
        "command": ["registry", "serve", f"{CONFIG}/config.yml"],
        "env": env,
        "ports": [{"name": "https", "containerPort": PORT}, {"name": "metrics", "containerPort": DEBUG}],
        "startupProbe": {"httpGet": live, "periodSeconds": 1, "failureThreshold": 120},
        "readinessProbe": {
            "httpGet": {"path": "/debug/health", "port": DEBUG},
            "periodSeconds": 5,
            "timeoutSeconds": 3,
        },
        "livenessProbe": {"httpGet": live, "periodSeconds": 20, "timeoutSeconds": 5, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": name, "mountPath": path, **({} if name in ("layers", "tmp") else {"readOnly": True})}
            for name, path in MOUNTS.items()
        ],
    }


def _from(name: str, secret: str, key: str) -> Object:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _volumes(registry: Registry) -> list[Object]:
    layers: Object = {"persistentVolumeClaim": {"claimName": NAME}}
    if registry.storage is RegistryStorage.S3:
        layers = {"emptyDir": {}}
    only = [{"key": "htpasswd", "path": "htpasswd"}]
    return [
        {"name": "tls", "secret": {"secretName": TLS.name, "defaultMode": 0o440}},
        {"name": "auth", "secret": {"secretName": AUTH.name, "defaultMode": 0o440, "items": only}},
        {"name": "config", "configMap": {"name": NAME}},
        {"name": "layers", **layers},
        {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
    ]


def _allowed(cluster: Cluster, registry: Registry) -> Object:
    """Anybody may push and pull, with the password; the pod itself reaches its store, or nobody."""
    rules: Object = {"ingress": [{"ports": [{"port": PORT, "protocol": "TCP"}]}], "egress": []}
    if registry.storage is RegistryStorage.S3 and cluster.object_store is not None:
        port = urlsplit(cluster.object_store.url).port or 443
        names = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
        rules["egress"] = [{"ports": [*names, {"port": port, "protocol": "TCP"}]}]
    return rules
