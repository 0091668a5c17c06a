"""A model that is served as it should be, as the API shows it."""

from __future__ import annotations

import copy
from typing import Any

from deploy.model import Cluster
from deploy.serving import names
from deploy.steps.serving import exposed, populate, vllm

IMAGE = "registry.k8s.io/agnhost:2.63.0"  # the one that these tests have locked
MODEL: dict[str, Any] = {
    "name": "tiny",
    "source": {"hub": "org/tiny", "revision": "a" * 40},
    "weights": "1Gi",
    "memory": "16Gi",
    "context": 256,
    "gpus": {"vendor": "intel"},
    "tensor_parallel": 2,
}

FRONT: dict[str, Any] = {"expose": "gateway", "gateway": {"name": "front", "namespace": "gateways"}}


def met(*kinds: str) -> list[dict[str, str]]:
    """Return conditions that are true."""
    return [{"type": kind, "status": "True", "reason": kind, "message": ""} for kind in kinds]


GATEWAY: dict[str, Any] = {
    "metadata": {"name": "front", "namespace": "gateways", "generation": 2},
    "spec": {"listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]},
    "status": {
        "addresses": [{"type": "IPAddress", "value": "127.0.0.1"}],
        "conditions": met("Accepted", "Programmed"),
        "listeners": [{"name": "web", "attachedRoutes": 1}],
    },
}
PARENT = {
    "parentRef": {"group": "gateway.networking.k8s.io", "name": "front", "namespace": "gateways"},
    "controllerName": "example.org/controller",
    "conditions": [{**each, "observedGeneration": 2} for each in met("Accepted", "ResolvedRefs")],
}
ROUTE: dict[str, Any] = {
    "metadata": {"name": "model-tiny", "namespace": "models", "generation": 2},
    "status": {"parents": [PARENT]},
}
"""What a Gateway's controller says of a model that is reached through it, all well."""

DEFINITIONS: list[dict[str, Any]] = [
    {
        "metadata": {
            "name": f"{name}.gateway.networking.k8s.io",
            "annotations": {"gateway.networking.k8s.io/bundle-version": "v1.5.1"},
        }
    }
    for name in ("gateways", "httproutes")
]
"""Of the Gateway API what the metadata of its definitions says."""


def lists(cluster: Cluster, digest: str = f"sha256:{'a' * 64}") -> dict[str, list[dict[str, Any]]]:
    """Return the objects of the cluster's first model by the lists that they are in, all well."""
    model, image = cluster.models[0], f"{IMAGE}@{digest}"
    _, workload = vllm.deployment(cluster, model, image)
    workload["status"] = {"readyReplicas": 1, "updatedReplicas": 1}
    job = populate.job(cluster, model, image)
    job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
    claim = populate.claim(model)
    claim["status"] = {"phase": "Bound", "capacity": claim["spec"]["resources"]["requests"]}
    template = workload["spec"]["template"]
    pod = {
        "kind": "Pod",
        "metadata": {**template["metadata"], "name": "tiny-1", "namespace": names.NAMESPACE},
        "spec": {**template["spec"], "nodeName": "w1"},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "vllm", "restartCount": 0, "imageID": f"x@{digest}"}],
        },
    }
    [service] = [each for each in exposed.objects(model) if each["kind"] == "Service"]
    service["spec"]["type"] = "ClusterIP"
    return copy.deepcopy(
        {
            "deployments": [workload],
            "services": [service],
            "pods": [pod],
            "jobs": [job],
            "persistentvolumeclaims": [claim],
        }
    )
