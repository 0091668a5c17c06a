"""MinIO on one volume: its claim, its Service, its pod, and a Job that makes buckets and their user.

MinIO publishes no images any more (minio/minio README.md, archived 2026-04-25): the pinned one is of the fork
that pgsty maintains (github.com/pgsty/silo), and `object_store.image` takes its place.
"""

from __future__ import annotations

import hashlib
import json

from deploy import render
from deploy.model import ObjectStore
from deploy.steps.object_store import objects as shared
from deploy.steps.object_store.objects import (
    CA,
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

NAME = "minio"
BUCKETS = "minio-buckets"
POLICY = "slipway"
PORT = 9000


def objects(store: ObjectStore, image: str) -> list[Object]:
    """Return everything but Secrets and the Job, in the order in which it can be applied."""
    # the files as MinIO looks for them (minio/minio docs/tls/README.md); it sees when they change
    files = [{"key": "tls.crt", "path": "public.crt"}, {"key": "tls.key", "path": "private.key"}]
    return [
        claim(store, NAME),
        service(NAME, PORT),
        *guarded(NAME, PORT, BUCKETS),
        _policy(store),
        server(store, NAME, _container(image), {"items": files}),
    ]


def _policy(store: ObjectStore) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(BUCKETS, BUCKETS),
        "data": {
            "policy.json": json.dumps(policy(store)),
            "buckets.sh": render.file("object_store/buckets.sh").decode(),
        },
    }


def policy(store: ObjectStore) -> Object:
    """Return what the user may: everything with objects of these buckets, and with no other's."""
    buckets = [f"arn:aws:s3:::{name}" for name in store.buckets]
    statement = [
        {
            "Effect": "Allow",
            "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            "Resource": buckets,
        },
        {
            "Effect": "Allow",
            "Action": [
                "s3:GetObject",
                "s3:PutObject",
                "s3:DeleteObject",
                "s3:AbortMultipartUpload",
                "s3:ListMultipartUploadParts",
            ],
            "Resource": [f"{bucket}/*" for bucket in buckets],
        },
    ]
    return {"Version": "2012-10-17", "Statement": statement}


def _container(image: str) -> Object:
    return {
        "name": NAME,
        "image": image,
        # the image's entry point finds the server, which forks call differently
        "args": ["server", "/data", f"--address=:{PORT}", "--certs-dir=/run/certificates"],
        "env": [
            secret("MINIO_ROOT_USER", ROOT.name, "access-key"),
            secret("MINIO_ROOT_PASSWORD", ROOT.name, "secret-key"),
            {"name": "MINIO_BROWSER", "value": "off"},
            {"name": "MINIO_UPDATE", "value": "off"},
            {"name": "HOME", "value": TMP},
        ],
        "ports": [{"name": "https", "containerPort": PORT, "protocol": "TCP"}],
        "startupProbe": {**_probe("live"), "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {**_probe("ready"), "periodSeconds": 5},
        "livenessProbe": {**_probe("live"), "periodSeconds": 20, "failureThreshold": 6},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "2Gi"}},
    }


def _probe(what: str) -> Object:
    path = f"/minio/health/{what}"
    return {"httpGet": {"path": path, "port": PORT, "scheme": "HTTPS"}, "timeoutSeconds": 5}


def buckets(store: ObjectStore, client: str) -> Object:
    """Return the Job that makes the buckets and their user; `client` is the image that has mc."""
    env = [
        secret("ROOT_USER", ROOT.name, "access-key"),
        secret("ROOT_PASSWORD", ROOT.name, "secret-key"),
        {"name": "MC_HOST_store", "value": f"https://$(ROOT_USER):$(ROOT_PASSWORD)@{_host(store)}"},
        secret("ACCESS_KEY", USER.name, "access-key"),
        secret("SECRET_KEY", USER.name, "secret-key"),
        {"name": "BUCKETS", "value": " ".join(store.buckets)},
        {"name": "POLICY", "value": POLICY},
        {"name": "MC_CONFIG_DIR", "value": f"{TMP}/mc"},
        {"name": "SSL_CERT_FILE", "value": f"{CA}/ca.crt"},
    ]
    text = json.dumps(_policy(store)["data"], sort_keys=True)
    digest = {"slipway.dev/config": hashlib.sha256(text.encode()).hexdigest()}
    return shared.buckets(store, BUCKETS, client, env, annotations=digest)


def _host(store: ObjectStore) -> str:
    return store.url.partition("://")[2]
