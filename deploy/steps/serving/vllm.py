"""The Deployment that serves a model with vLLM."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from deploy import render
from deploy.gpu import Wiring, digest, wired
from deploy.model import Cluster, Gpus
from deploy.model.labels import OWNED
from deploy.model.serving import Accelerator, Model
from deploy.serving import command, fit, names, placing, timing
from deploy.serving.timing import PERIOD
from deploy.steps.serving import pods, populate
from deploy.steps.serving.pods import Object, secret, variable

COMPONENT = names.SERVER
CACHE = "/cache"
# one for all models: what the engine imports, and where from
MIDDLEWARE, IMPORTED = "vllm-middleware", "/middleware"
ALLOWLIST = "slipway_allowlist.py"
IMPORTS = {"PYTHONPATH": IMPORTED}
HEALTH = {"path": "/health", "port": "http"}
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
# everything that vLLM, torch and triton write; their defaults lie in a home that is not there
CACHES = {
    "HOME": CACHE,
    "XDG_CACHE_HOME": CACHE,
    "VLLM_CACHE_ROOT": f"{CACHE}/vllm",
    "VLLM_CONFIG_ROOT": f"{CACHE}/config",
    "TORCHINDUCTOR_CACHE_DIR": f"{CACHE}/inductor",
    "TRITON_CACHE_DIR": f"{CACHE}/triton",
    # torch asks for the user's name, and /etc/passwd does not know it (vllm-project/vllm#44548)
    "USER": "vllm",
}
# none of these is needed where the driver gives a container its devices by CDI, all are where it does not
ALL_DEVICES = {Accelerator.CUDA: {"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}}


def middleware() -> Object:
    """Return the ConfigMap of the module that every engine loads by --middleware."""
    metadata = {"name": MIDDLEWARE, "namespace": names.NAMESPACE, "labels": {**OWNED}}
    data = {ALLOWLIST: render.file(f"serving/{ALLOWLIST}").decode()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(cluster: Cluster, model: Model, image: str) -> tuple[list[Object], Object]:
    """Return what comes before the Deployment, such as a claim for GPUs, and the Deployment."""
    found = wiring(cluster, model)
    template = {
        "metadata": {
            "labels": pods.labels(model, COMPONENT),
            "annotations": {
                "prometheus.io/scrape": "true",
                "prometheus.io/port": str(names.PORT),
                "prometheus.io/path": "/metrics",
                # a module is imported once: a new one wants a new pod
                "slipway.dev/config": hashlib.sha256(render.file(f"serving/{ALLOWLIST}")).hexdigest(),
            },
        },
        "spec": {**_pod(model, image, found), **pods.login(cluster, model)},
    }
    spec: Object = {
        "replicas": model.replicas,
        "strategy": _strategy(cluster, model),
        # a pod that loads is no progress that a Deployment can see
        "progressDeadlineSeconds": timing.of(model).startup + timing.of(model).grace + 60,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": names.selector(model, COMPONENT)},
        "template": template,
    }
    metadata = pods.metadata(names.workload(model), model, COMPONENT)
    return found.objects, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def wiring(cluster: Cluster, model: Model) -> Wiring:
    """Return how a model gets its GPUs."""
    if model.gpus is None:
        return Wiring()
    need = fit.need(model.gpus)
    return wired(cluster, need, f"{names.workload(model)}-{digest(cluster, need)}", names.NAMESPACE)


def _strategy(cluster: Cluster, model: Model) -> Object:
    """A new pod comes before the old one ends only where there is a GPU for both."""
    if model.gpus and _spare(cluster, model, model.gpus.count) > 0:
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    if model.replicas > 1:
        return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    return {"type": "Recreate"}


def _spare(cluster: Cluster, model: Model, count: int) -> int:
    """Return for how many more pods of a model there are GPUs for certain: on whichever node it is.

    Its volume may tie all of its pods to one node, and every other model that may be there is taken to be.
    """
    able: dict[str, list[Gpus]] = {}
    for node, gpus in placing.gpus(cluster, model):
        able.setdefault(node.name, []).append(gpus)
    left = [
        sum(gpus.count // count for gpus in cards)
        - sum(_taken(cluster, each, node, cards, count) for each in cluster.models)
        for node, cards in able.items()
    ]
    return min(left, default=0)


def _taken(cluster: Cluster, model: Model, node: str, cards: list[Gpus], count: int) -> int:
    """Return how many times `count` of a node's cards a model leaves to nobody when all of it is there."""
    if model.gpus is None or not any(
        at.name == node and gpus in cards for at, gpus in placing.gpus(cluster, model)
    ):
        return 0
    return model.replicas * math.ceil(model.gpus.count / count)


def _pod(model: Model, image: str, found: Wiring) -> Object:
    spec = {**pods.spec(model), "terminationGracePeriodSeconds": timing.of(model).grace}
    if model.groups:
        spec["securityContext"] = {**spec["securityContext"], "supplementalGroups": list(model.groups)}
    wanted = dict(found.pod)
    affinity = {**wanted.pop("affinity", {}), "podAntiAffinity": _apart(model)}
    return {
        **spec,
        **wanted,
        "affinity": affinity,
        "initContainers": [_check(model, image)],
        "containers": [_server(model, image, found)],
        "volumes": [
            pods.files(model),
            {"name": "middleware", "configMap": {"name": MIDDLEWARE}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "4Gi"}},
            {"name": "cache", "emptyDir": {"sizeLimit": "20Gi"}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": fit.shared_memory(model)}},
        ],
    }


def _apart(model: Model) -> Object:
    """Return the wish that replicas be on nodes of their own; one that lasts is better than none."""
    term = {
        "labelSelector": {"matchLabels": names.selector(model, COMPONENT)},
        "topologyKey": "kubernetes.io/hostname",
    }
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def _check(model: Model, image: str) -> Object:
    """Return what lets the engine start on whole files only."""
    marked = {"MARKED": "1"} if names.fetched(model) else {}
    environment = {"FOLDER": names.folder(model), **marked, **({"DUMMY": "1"} if model.is_dummy else {})}
    return {
        "name": "whole",
        "image": image,
        "command": ["/bin/sh", "-c", populate.script("check")],
        "env": [variable(name, value) for name, value in environment.items()],
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": dict(pods.SECURE),
        "volumeMounts": [{"name": "models", "mountPath": names.MOUNT, "readOnly": True}],
    }


def _server(model: Model, image: str, found: Wiring) -> Object:
    times = timing.of(model)
    fixed = {**OFFLINE, **CACHES, **IMPORTS, **ALL_DEVICES.get(model.device, {}), **model.environment}
    return {
        "name": "vllm",
        "image": image,
        "args": command.arguments(model),
        "env": [
            secret("VLLM_API_KEY", names.workload(model), names.API_KEY),
            *(variable(name, value) for name, value in fixed.items()),
        ],
        "ports": [{"name": "http", "containerPort": names.PORT}],
        "resources": _resources(model, found),
        "securityContext": dict(pods.SECURE),
        "startupProbe": {
            "httpGet": dict(HEALTH),
            "periodSeconds": PERIOD,
            "timeoutSeconds": 5,
            "failureThreshold": times.failures,
        },
        "readinessProbe": {"httpGet": dict(HEALTH), "periodSeconds": 5, "timeoutSeconds": 5},
        # an engine at work answers late, and is not to be killed for it
        "livenessProbe": {
            "httpGet": dict(HEALTH),
            "periodSeconds": 10,
            "timeoutSeconds": 10,
            "failureThreshold": 6,
        },
        # first the nodes forget the pod, then it gets SIGTERM and ends what it has begun (--shutdown-timeout)
        "lifecycle": {"preStop": {"sleep": {"seconds": times.leave}}},
        "volumeMounts": [
            {"name": "models", "mountPath": names.MOUNT, "readOnly": True},
            {"name": "middleware", "mountPath": IMPORTED, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - a pod's own
            {"name": "cache", "mountPath": CACHE},
            {"name": "shm", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }


def _resources(model: Model, found: Wiring) -> dict[str, Any]:
    """Return requests and limits; /dev/shm is part of the memory."""
    requests: Object = {"cpu": model.cpu, "memory": model.memory, **found.resources.get("requests", {})}
    limits: Object = {"memory": model.memory, **found.resources.get("limits", {})}
    claims = {"claims": found.resources["claims"]} if "claims" in found.resources else {}
    return {"requests": requests, "limits": limits, **claims}
