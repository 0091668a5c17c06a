"""Clusters with a store, and what the API shows of their volumes."""

from __future__ import annotations

import json
from typing import Any

from clusters import CLUSTER, claim, statefulset, storage_class, volume

from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Finding
from deploy.model import Cluster

STORED = Cluster.model_validate(
    {
        **CLUSTER.model_dump(mode="json"),
        "storage": {},
        "object_store": {"size": "20Gi", "buckets": ["models", "registry"]},
    }
)
EXTERNAL = Cluster.model_validate(
    {
        **CLUSTER.model_dump(mode="json"),
        "object_store": {
            "provider": "external",
            "endpoint": "https://s3.home.arpa",
            "credentials": {"access_key": {"env": "A"}, "secret_key": {"env": "B"}},
        },
    }
)
GOOD: dict[str, list[dict[str, Any]]] = {
    "storageclasses": [storage_class("local-path")],
    "persistentvolumeclaims": [claim("object-store", "minio")],
    "persistentvolumes": [volume("pvc-minio")],
    "statefulsets": [statefulset("object-store", "minio")],
    "pods": [],
}


def seen(**lists: list[dict[str, Any]] | None) -> Snapshot:
    answers = {**GOOD, **lists}
    return Snapshot(
        {
            name: Answer(cause="timed out") if items is None else Answer(json.dumps({"items": items}))
            for name, items in answers.items()
        }
    )


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.check, each.status.value, each.found) for each in findings]
