"""The Job that fetches a model's files into its volume, once per content and volume."""

from __future__ import annotations

import hashlib
import json
import math

from deploy import render
from deploy.model import Cluster
from deploy.model.model_volumes import is_shared, room
from deploy.model.placement import HOSTNAME
from deploy.model.serving import Model
from deploy.model.source import SourceKind
from deploy.serving import names, placing, timing
from deploy.steps.serving import pods, sources
from deploy.steps.serving.pods import Object, variable
from deploy.steps.serving.sources import Fetching

COMPONENT = "populate"
IMAGES = {SourceKind.MODELKIT: "kitops-init", SourceKind.S3: "rclone"}
TRIES = 6
# the exit code of what another try does not mend (files/serving/whole.sh)
FINAL = 65


def image_key(model: Model) -> str:
    """Return the lock file's key of the image that fetches; the hub's library is in the engine's."""
    return IMAGES.get(model.source.kind, model.image_key)


def claim(model: Model) -> Object:
    """Return the claim of a model's files."""
    spec: Object = {
        "accessModes": ["ReadWriteMany" if is_shared(model) else "ReadWriteOnce"],
        "resources": {"requests": {"storage": f"{math.ceil(room(model) / 2**20)}Mi"}},
    }
    if model.storage_class:
        spec["storageClassName"] = model.storage_class
    if model.volume:
        # without it a claim takes any volume of the class that is large enough
        spec["volumeName"] = model.volume
    metadata = pods.metadata(names.claim(model), model, COMPONENT)
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def local(model: Model) -> list[Object]:
    """Return the volume that a folder of one node is, and the claim for it: its pods go to that node."""
    name = names.claim(model)
    here = [{"key": HOSTNAME, "operator": "In", "values": [model.source.node]}]
    size, modes = {"storage": model.weights}, ["ReadOnlyMany"]
    volume: Object = {
        "capacity": size,
        "accessModes": modes,
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "",
        "local": {"path": model.origin["host_path"]},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": here}]}},
        "claimRef": {"namespace": names.NAMESPACE, "name": name},
    }
    labels = names.labels(model, "files")
    asked: Object = {
        "accessModes": modes,
        "storageClassName": "",
        "volumeName": name,
        "resources": {"requests": size},
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "labels": labels},
            "spec": volume,
        },
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": pods.metadata(name, model, "files"),
            "spec": asked,
        },
    ]


def job(cluster: Cluster, model: Model, image: str) -> Object:
    """Return the Job; what it is called tells what it does, since a Job cannot be changed."""
    fetching = sources.of(cluster, model)
    pod: Object = {
        **pods.spec(model, writable=True),
        **pods.login(cluster, model),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "containers": [_container(model, image, fetching)],
        "volumes": [
            pods.files(model, writable=True),
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            *fetching.volumes,
        ],
    }
    if affinity := placing.affinity(cluster, model):
        pod["affinity"] = affinity
    if fetching.aliases:
        pod["hostAliases"] = [dict(each) for each in fetching.aliases]
    spec: Object = {
        "backoffLimit": TRIES,
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "FailJob",
                    "onExitCodes": {"containerName": COMPONENT, "operator": "In", "values": [FINAL]},
                },
                # an eviction or a node that is drained is no failure of the fetch
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
        "activeDeadlineSeconds": timing.fetching(model),
        "template": {"metadata": {"labels": pods.labels(model, COMPONENT)}, "spec": pod},
    }
    digest = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    metadata = pods.metadata(f"{names.workload(model)}-{digest}", model, COMPONENT)
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def script(name: str) -> str:
    """Return one of the scripts, with what tells whether files are whole before it."""
    return (render.file("serving/whole.sh") + render.file(f"serving/{name}.sh")).decode()


def _container(model: Model, image: str, fetching: Fetching) -> Object:
    volume = names.MOUNT
    by_checksum = model.checksum and model.source.kind is not SourceKind.MODELKIT
    own = {
        "KEY": names.key(model),
        "VERSION": model.version,
        "VOLUME": volume,
        "NEED_KIB": math.ceil(room(model) / 1024),
        "HOME": "/tmp",  # noqa: S108 - a pod's own
        **({"DUMMY": "1"} if model.is_dummy else {}),
        # a ModelKit's is its own digest, by which it is fetched
        **({"CHECKSUM": model.checksum} if by_checksum else {}),
    }
    return {
        "name": COMPONENT,
        "image": image,
        "command": ["/bin/sh", "-c", script("populate"), COMPONENT, *fetching.command],
        "env": [*(variable(name, value) for name, value in own.items()), *fetching.environment],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
        "securityContext": dict(pods.SECURE),
        "volumeMounts": [
            {"name": "models", "mountPath": volume},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            *({"name": each["name"], "mountPath": f"/run/{each['name']}", "readOnly": True}
              for each in fetching.volumes),
        ],
    }  # fmt: skip
