"""The Job that fetches a model's files into its volume, once per content and volume."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from typing import Any

from deploy import render
from deploy.model import Cluster
from deploy.model.model_volumes import is_shared, room
from deploy.model.placement import HOSTNAME
from deploy.model.serving import Model, SourceKind
from deploy.serving import names, placing, timing
from deploy.steps.serving import pods
from deploy.steps.serving.pods import Object, secret, variable

COMPONENT = "populate"
IMAGES = {SourceKind.MODELKIT: "kitops-init", SourceKind.S3: "rclone"}
KIT = "/usr/local/bin/entrypoint.sh"
CA, LOGIN = "/run/ca", "/run/login"
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
    pod: Object = {
        **pods.spec(model),
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "containers": [_container(cluster, model, image)],
        "volumes": [
            pods.files(model, writable=True),
            {"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
            *_trust(cluster, model),
        ],
    }
    if affinity := placing.affinity(cluster, model):
        pod["affinity"] = affinity
    if aliases := _aliases(cluster, model):
        pod["hostAliases"] = aliases
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


def _container(cluster: Cluster, model: Model, image: str) -> Object:
    fetch, environment = _fetch(cluster, model)
    volume = names.MOUNT
    own = {
        "KEY": names.key(model),
        "VOLUME": volume,
        "NEED_KIB": math.ceil(room(model) / 1024),
        "HOME": "/tmp",  # noqa: S108 - a pod's own
        **({"DUMMY": "1"} if model.is_dummy else {}),
        **({"CHECKSUM": model.checksum} if model.checksum and not _is_pinned(model) else {}),
    }
    return {
        "name": COMPONENT,
        "image": image,
        "command": ["/bin/sh", "-c", script("populate"), COMPONENT, *fetch],
        "env": [*(variable(name, value) for name, value in own.items()), *environment],
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
        "securityContext": dict(pods.SECURE),
        "volumeMounts": [
            {"name": "models", "mountPath": volume},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
            *({"name": each["name"], "mountPath": f"/run/{each['name']}", "readOnly": True}
              for each in _trust(cluster, model)),
        ],
    }  # fmt: skip


def _is_pinned(model: Model) -> bool:
    """Say whether a checksum is the ModelKit's own digest, by which it is then fetched."""
    return model.source.kind is SourceKind.MODELKIT


def reference(model: Model) -> str:
    """Return a ModelKit's reference, by its digest where one is known."""
    ref = str(model.origin["modelkit"])
    if model.checksum is None:
        return ref
    name = ref.partition("@")[0]
    repository, colon, tag = name.rpartition(":")
    return f"{name if not colon or '/' in tag else repository}@{model.checksum}"


def pushed(cluster: Cluster, model: Model) -> str:
    """Return what a person types to get a ModelKit into its registry; a digest comes about by pushing."""
    ref = str(model.origin["modelkit"]).partition("@")[0]
    push = f"kit push {ref}, or oras cp FROM {ref}"
    if cluster.registry is None or not _is_ours(cluster, model):
        return push
    user = shlex.quote(cluster.registry.user)
    return f"kit login {cluster.registry.hostname} --username {user}, {push}"


def _fetch(cluster: Cluster, model: Model) -> tuple[list[str], list[Object]]:
    """Return the command that fetches into $WORK, and the environment that it wants."""
    match model.source.kind:
        case SourceKind.MODELKIT:
            program = render.file("serving/kit.sh").decode()
            return ["/bin/sh", "-c", program, "kit", KIT], _kit(cluster, model)
        case SourceKind.S3:
            return _rclone(model), [variable("SOURCE", model.origin["s3"]), *_store(cluster)]
        case _:
            program = render.file("serving/hub.py").decode()
            token = [secret("HF_TOKEN", names.hub_secret(model), names.TOKEN)] if model.source.token else []
            origin = model.origin
            return ["python3", "-c", program, origin["hub"], origin["revision"]], token


def _kit(cluster: Cluster, model: Model) -> list[Object]:
    ours = _is_ours(cluster, model)
    return [
        variable("MODELKIT_REF", reference(model)),
        variable("PUSH", pushed(cluster, model)),
        variable("UNPACK_FILTER", "model"),
        # given alone, flags of one's own take the place of this one (kitops build/dockerfiles/init)
        variable("EXTRA_FLAGS", " ".join(["--ignore-existing", *_plain(cluster, model)])),
        # half a file that an interrupted unpacking left would be kept for the same reason
        variable("ANEW", "1"),
        # layers that came stay, so that another try fetches the rest only
        variable("KITOPS_HOME", f"{names.MOUNT}/.kitops"),
        *(
            [variable("DOCKER_CONFIG", LOGIN), variable("SSL_CERT_DIR", f"{CA}:/etc/ssl/certs")]
            if ours
            else []
        ),
    ]


def _plain(cluster: Cluster, model: Model) -> list[str]:
    """Return the flag for a registry without TLS, which only a declared mirror may be."""
    mirror = cluster.artifacts.registry_mirror or ""
    host = str(model.origin["modelkit"]).partition("/")[0]
    return ["--plain-http"] if mirror == f"http://{host}" else []


def _rclone(model: Model) -> list[str]:
    """Return the copy; a store that is away for a minute or two is waited for."""
    source = model.origin["s3"].removeprefix("s3://").rstrip("/")
    program = render.file("serving/s3.sh").decode()
    waits = ["--retries=20", "--retries-sleep=6s", "--contimeout=10s"]
    shown = ["--stats=20s", "--stats-one-line", "-v"]
    return ["/bin/sh", "-c", program, "s3", f":s3:{source}", *waits, *shown]


def _store(cluster: Cluster) -> list[Object]:
    store = cluster.object_store
    assert store is not None  # noqa: S101 - the rules of the model: an S3 source has a store
    settings = {
        "RCLONE_CONFIG": "/notfound",  # kept in memory
        "RCLONE_S3_PROVIDER": "Other",
        "RCLONE_S3_ENDPOINT": store.url,
        "RCLONE_S3_REGION": store.region,
        "RCLONE_S3_FORCE_PATH_STYLE": "true",
        "RCLONE_S3_NO_CHECK_BUCKET": "true",
    }
    if _store_is_ours(cluster):
        settings["SSL_CERT_DIR"] = f"{CA}:/etc/ssl/certs"
    return [
        *(variable(name, value) for name, value in settings.items()),
        secret("RCLONE_S3_ACCESS_KEY_ID", names.STORE, "access-key"),
        secret("RCLONE_S3_SECRET_ACCESS_KEY", names.STORE, "secret-key"),
    ]


def _trust(cluster: Cluster, model: Model) -> list[Object]:
    """Return the volumes of the CA that signed for the source, and of the login to it."""
    found: list[Object] = []
    if model.source.kind is SourceKind.MODELKIT and _is_ours(cluster, model):
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        found = [
            {"name": "ca", "secret": {"secretName": names.REGISTRY_CA}},
            {"name": "login", "secret": {"secretName": names.PULL, "items": items}},
        ]
    elif model.source.kind is SourceKind.S3 and _store_is_ours(cluster):
        found = [{"name": "ca", "secret": {"secretName": names.STORE_CA}}]
    return found


def _store_is_ours(cluster: Cluster) -> bool:
    """Say whether the store's certificate is by a CA that no image knows."""
    store = cluster.object_store
    return store is not None and (not store.is_external or store.ca is not None)


def _is_ours(cluster: Cluster, model: Model) -> bool:
    """Say whether a ModelKit lies in the cluster's own registry."""
    registry, ref = cluster.registry, str(model.origin.get("modelkit", ""))
    return registry is not None and ref.partition("/")[0].partition(":")[0] == registry.hostname


def _aliases(cluster: Cluster, model: Model) -> list[dict[str, Any]]:
    """Return what leads to the registry inside the cluster, and not out by the load balancer and back."""
    if model.source.kind is not SourceKind.MODELKIT or not _is_ours(cluster, model):
        return []
    assert cluster.registry is not None  # noqa: S101 - it is ours
    return [{"ip": str(cluster.registry_address), "hostnames": [cluster.registry.hostname]}]
