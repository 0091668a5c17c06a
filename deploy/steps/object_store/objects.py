"""What every store in the cluster is made of: names, a claim, a Service, and one pod that may do little."""

from __future__ import annotations

from typing import Any

from deploy.model import ObjectStore
from deploy.model.labels import OWNED
from deploy.operations import jobs
from deploy.operations.secrets import Where
from deploy.steps import policies

NAMESPACE = "object-store"
PHASE = "object-store"
# the label by which a component's objects are found
COMPONENT = "app.kubernetes.io/name"
USER = Where(NAMESPACE, "object-store-user")
ROOT = Where(NAMESPACE, "minio-root")
# workloads of other namespaces copy ca.crt out of it, whoever serves with it
TLS = Where(NAMESPACE, "minio-tls")
TMP = "/tmp"  # noqa: S108 - the pod's own
UID = 1000
Object = dict[str, Any]
# of whom the store's certificate is: the cluster's CA, or cert-manager's
AUTHORITY: Object = {
    "name": "ca",
    "secret": {"secretName": TLS.name, "items": [{"key": "ca.crt", "path": "ca.crt"}]},
}
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
    labels = {COMPONENT: component, **OWNED}
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


def names(name: str) -> list[str]:
    """Return what a store is called in the cluster, and by who gets to it with `kubectl port-forward`."""
    inside = (f"{name}.{NAMESPACE}.svc", name, f"{name}.{NAMESPACE}", f"{name}.{NAMESPACE}.svc.cluster.local")
    return [*inside, "localhost"]


def claim(store: ObjectStore, name: str) -> Object:
    """Return the claim; it is no template of the StatefulSet's, which could never be changed."""
    spec: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": store.size}}}
    if store.storage_class:
        spec["storageClassName"] = store.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata(name, name),
        "spec": spec,
    }


def service(name: str, port: int) -> Object:
    """Return the Service that pods of the cluster use."""
    ports = [{"name": "https", "port": port, "targetPort": port, "protocol": "TCP"}]
    spec = {"type": "ClusterIP", "selector": {"app.kubernetes.io/name": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(name, name), "spec": spec}


def guarded(name: str, port: int, job: str) -> list[Object]:
    """Return who reaches a store's pod, which itself asks nobody, and its Job, which asks the store alone.

    Any pod may come, with a key; nothing on a host asks a store: the registry hands its layers out itself.
    """
    port_ = policies.tcp(port)
    store, asks = {COMPONENT: name}, {COMPONENT: job}
    there: Object = {"to": [{"podSelector": {"matchLabels": store}}], "ports": [port_]}
    return [
        policies.policy(metadata(name, name), store, [{**policies.PODS, "ports": [port_]}]),
        policies.policy(metadata(job, job), asks, egress=[policies.NAMES, there]),
    ]


def server(store: ObjectStore, name: str, container: Object, certificates: Object, **more: Any) -> Object:
    """Return the StatefulSet of one pod on the claim; `certificates` are the items of the TLS Secret."""
    own = more.pop("volumes", [])
    volumes = [
        {"name": "data", "persistentVolumeClaim": {"claimName": name}},
        {"name": "certificates", "secret": {"secretName": TLS.name, **certificates}},
        {"name": "tmp", "emptyDir": {}},
        *own,
    ]
    mounts = [
        {"name": "data", "mountPath": "/data"},
        {"name": "certificates", "mountPath": "/run/certificates", "readOnly": True},
        {"name": "tmp", "mountPath": TMP},
        *container.get("volumeMounts", []),
    ]
    mounted = {**container, "volumeMounts": mounts}
    spec = pod(mounted, volumes, terminationGracePeriodSeconds=60, **store.placement.as_pod(), **more)
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata(name, name),
        "spec": {
            "serviceName": name,
            # with the other one, a pod that is never ready is never replaced (kubernetes/kubernetes#67250)
            "podManagementPolicy": "Parallel",
            "replicas": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": metadata(name, name)["labels"]}, "spec": spec},
        },
    }


def buckets(store: ObjectStore, name: str, client: str, env: list[Object], **metadata_: Any) -> Object:
    """Return the Job that runs buckets.sh out of the ConfigMap `name`, with the image `client`.

    Another list of buckets is another Job, and none takes a bucket away. `metadata_` is more of its pods'.
    """
    container = {
        "name": name,
        "image": client,
        "command": ["/bin/sh", "/config/buckets.sh"],
        "env": env,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "volumeMounts": [
            {"name": "config", "mountPath": "/config", "readOnly": True},
            {"name": "ca", "mountPath": CA, "readOnly": True},
            {"name": "tmp", "mountPath": TMP},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": name}},
        AUTHORITY,
        {"name": "tmp", "emptyDir": {}},
    ]
    spec: Object = {
        "backoffLimit": 4,
        "activeDeadlineSeconds": 240,
        "template": {
            "metadata": {"labels": metadata(name, name)["labels"], **metadata_},
            "spec": pod(container, volumes, restartPolicy="OnFailure", **store.placement.as_pod()),
        },
    }
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name, name), "spec": spec}
    return jobs.named(name, job)
