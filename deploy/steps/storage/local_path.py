"""local-path-provisioner: volumes in a folder of the node that the first pod of a claim lands on.

The objects are upstream's (rancher/local-path-provisioner deploy/local-path-storage.yaml, v0.0.37) with the
declared path, pinned images and no root. It holds no volume to its size.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import yaml

from deploy import render
from deploy.model import Storage
from deploy.model.labels import OWNED, PRIVILEGED
from deploy.model.storage import LOCAL_PATH_CLASS

NAMESPACE = "local-path-storage"
NAME = "local-path-provisioner"
IMAGES = ("local-path-provisioner", "busybox")
CONFIG = "local-path-config"
USER = 65534
LABELS = {"app.kubernetes.io/name": NAME, **OWNED}
# its helper pods write below a path of the host
DEFAULT = "storageclass.kubernetes.io/is-default-class"
RBAC = "rbac.authorization.k8s.io"
Object = dict[str, Any]


def objects(storage: Storage, images: Mapping[str, str]) -> list[Object]:
    """Return everything that it is made of, in the order in which it can be applied."""
    config = _config(storage, images["busybox"])
    namespace = {"name": NAMESPACE, "labels": {**OWNED, **PRIVILEGED}}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": namespace},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _metadata()},
        *_rights(),
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(CONFIG), "data": config},
        _deployment(images[NAME], config),
        storage_class(default=storage.default),
    ]


def _metadata(name: str = NAME) -> Object:
    return {"name": name, "namespace": NAMESPACE, "labels": dict(LABELS)}


def _rights() -> list[Object]:
    everywhere = {"name": NAME, "labels": dict(LABELS)}
    account = [{"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}]
    look, make = ["get", "list", "watch"], ["get", "list", "watch", "create", "patch", "update", "delete"]

    def rule(verbs: list[str], *resources: str, group: str = "") -> Object:
        return {"apiGroups": [group], "resources": [*resources], "verbs": verbs}

    def bound(kind: str, metadata: Object) -> list[Object]:
        role = {"apiGroup": RBAC, "kind": kind, "name": NAME}
        return [{"metadata": metadata, "roleRef": role, "subjects": account, "kind": f"{kind}Binding"}]

    cluster = [
        rule(look, "nodes", "persistentvolumeclaims", "configmaps", "pods", "pods/log"),
        rule(make, "persistentvolumes"),
        rule(["create", "patch"], "events"),
        rule(look, "storageclasses", group="storage.k8s.io"),
    ]
    found = [
        {"kind": "Role", "metadata": _metadata(), "rules": [rule(make, "pods")]},
        {"kind": "ClusterRole", "metadata": everywhere, "rules": cluster},
        *bound("Role", _metadata()),
        *bound("ClusterRole", everywhere),
    ]
    return [{"apiVersion": f"{RBAC}/v1", **each} for each in found]


def _config(storage: Storage, helper: str) -> dict[str, str]:
    paths = [{"node": "DEFAULT_PATH_FOR_NON_LISTED_NODES", "paths": [storage.path]}]
    return {
        "config.json": json.dumps({"nodePathMap": paths}),
        "setup": render.file("storage/setup.sh").decode(),
        "teardown": render.file("storage/teardown.sh").decode(),
        "helperPod.yaml": yaml.safe_dump(_helper(helper)),
    }


def _helper(image: str) -> Object:
    """Return the pod that makes and removes folders; it is root there, as the folder's owner is."""
    container = {
        "name": "helper-pod",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
    }
    tolerated = {"key": "node.kubernetes.io/disk-pressure", "operator": "Exists", "effect": "NoSchedule"}
    spec = {
        "priorityClassName": "system-node-critical",
        "tolerations": [tolerated],
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "helper-pod"}, "spec": spec}


def _deployment(image: str, config: Mapping[str, str]) -> Object:
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    chosen = {"app.kubernetes.io/name": NAME}
    pod = {
        "serviceAccountName": NAME,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(image)],
        "volumes": [{"name": "config", "configMap": {"name": CONFIG}}],
    }
    # the helper's pod is read when it starts, so another one is another pod
    template = {
        "metadata": {"labels": dict(LABELS), "annotations": {"slipway.dev/config": digest}},
        "spec": pod,
    }
    spec = {"replicas": 1, "selector": {"matchLabels": chosen}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(), "spec": spec}


def _container(image: str) -> Object:
    namespace = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    return {
        "name": NAME,
        "image": image,
        "command": [NAME, "start", "--config", "/etc/config/config.json", "--service-account-name", NAME],
        "env": [
            {"name": "POD_NAMESPACE", "valueFrom": namespace},
            {"name": "CONFIG_MOUNT_PATH", "value": "/etc/config/"},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/config", "readOnly": True}],
    }


def storage_class(*, default: bool) -> Object:
    """Return the class; a claim of it waits until a pod wants it, so that the volume is on the pod's node."""
    annotations = {DEFAULT: "true" if default else "false"}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": LOCAL_PATH_CLASS, "labels": dict(LABELS), "annotations": annotations},
        "provisioner": "rancher.io/local-path",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }
