"""SeaweedFS on one volume, in place of MinIO: all of it in one process, and only S3 to be reached.

Why not Garage, which is as small: it speaks no TLS itself and wants a proxy in front
(garagehq.deuxfleurs.fr/documentation/cookbook/reverse-proxy), and it is AGPL where this is Apache-2.0.
The options are those of seaweedfs/seaweedfs weed/command/server.go; identities are weed/command/s3.go's.
"""

from __future__ import annotations

import json
from typing import Any

from deploy import render
from deploy.model import ObjectStore
from deploy.steps.object_store import objects as shared
from deploy.steps.object_store.objects import (
    CA,
    CONTAINED,
    ROOT,
    TMP,
    USER,
    Object,
    claim,
    guarded,
    metadata,
    secret,
    server,
    service,
)

NAME = "seaweedfs"
BUCKETS = "seaweedfs-buckets"
PORT = 8333
IDENTITIES = "/run/identities"
ARGUMENTS = (
    "-dir=/data",
    # master, volume server and filer take no authentication: they talk to each other only
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    "-master.volumeSizeLimitMB=1024",
    "-volume.max=0",  # as many as the disk holds
    "-s3",
    "-s3.ip.bind=0.0.0.0",
    f"-s3.port={PORT}",
    f"-s3.config={IDENTITIES}/s3.json",
    "-s3.cert.file=/run/certificates/tls.crt",
    "-s3.key.file=/run/certificates/tls.key",
    "-s3.iam=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-s3.allowDeleteBucketNotEmpty=false",
    "-s3.autoCreateBucket=false",
)


def objects(store: ObjectStore, image: str) -> list[Object]:
    """Return everything but Secrets and the Job, in the order in which it can be applied."""
    first = _identities(store, image)
    return [
        claim(store, NAME),
        service(NAME, PORT),
        *guarded(NAME, PORT, BUCKETS),
        _scripts(),
        server(store, NAME, _container(image), {}, initContainers=[first], volumes=_volumes()),
    ]


def _scripts() -> Object:
    data = {
        "identities.sh": render.file("object_store/seaweedfs-identities.sh").decode(),
        "buckets.sh": render.file("object_store/seaweedfs-buckets.sh").decode(),
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(BUCKETS, BUCKETS), "data": data}


def actions(store: ObjectStore) -> list[str]:
    """Return what the user may: everything with objects of these buckets, and with no other's."""
    return [f"{verb}:{bucket}" for bucket in store.buckets for verb in ("Read", "Write", "List", "Tagging")]


def _volumes() -> list[Object]:
    return [
        {"name": "identities", "emptyDir": {"medium": "Memory"}},
        {"name": "config", "configMap": {"name": BUCKETS}},
    ]


def _identities(store: ObjectStore, image: str) -> Object:
    return {
        "name": "identities",
        "image": image,
        "command": ["/bin/sh", "/config/identities.sh"],
        "env": [
            secret("ROOT_USER", ROOT.name, "access-key"),
            secret("ROOT_PASSWORD", ROOT.name, "secret-key"),
            secret("ACCESS_KEY", USER.name, "access-key"),
            secret("SECRET_KEY", USER.name, "secret-key"),
            {"name": "ACTIONS", "value": json.dumps(actions(store))},
        ],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": CONTAINED,
        "volumeMounts": [
            {"name": "identities", "mountPath": IDENTITIES},
            {"name": "config", "mountPath": "/config", "readOnly": True},
        ],
    }


def _container(image: str) -> Object:
    probe: dict[str, Any] = {
        "httpGet": {"path": "/healthz", "port": PORT, "scheme": "HTTPS"},
        "timeoutSeconds": 5,
    }
    return {
        "name": NAME,
        "image": image,
        "command": ["/usr/bin/weed", "-logtostderr=true", "server", *ARGUMENTS],
        # without a key the S3 gateway's gRPC port, which it opens beside S3, would take orders from anyone
        "env": [
            secret("WEED_JWT_FILER_SIGNING_KEY", ROOT.name, "secret-key"),
            {"name": "HOME", "value": TMP},
        ],
        "ports": [{"name": "https", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": {**probe, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**probe, "periodSeconds": 5},
        "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
        "volumeMounts": [{"name": "identities", "mountPath": IDENTITIES, "readOnly": True}],
    }


def buckets(store: ObjectStore, client: str) -> Object:
    """Return the Job that makes the buckets; `client` is the image that has rclone."""
    remote = {
        "TYPE": "s3",
        "PROVIDER": "SeaweedFS",
        "ENDPOINT": store.url,
        "REGION": store.region,
        "FORCE_PATH_STYLE": "true",
    }
    plain = {
        **{f"RCLONE_CONFIG_STORE_{key}": value for key, value in remote.items()},
        "RCLONE_CA_CERT": f"{CA}/ca.crt",
        "BUCKETS": " ".join(store.buckets),
        "HOME": TMP,
        "XDG_CONFIG_HOME": TMP,
    }
    env = [
        *({"name": key, "value": value} for key, value in plain.items()),
        secret("RCLONE_CONFIG_STORE_ACCESS_KEY_ID", ROOT.name, "access-key"),
        secret("RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY", ROOT.name, "secret-key"),
    ]
    return shared.buckets(store, BUCKETS, client, env)
