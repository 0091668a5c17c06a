"""What a model's objects are called, and where its files lie."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from deploy.model.labels import OWNED
from deploy.model.serving import Model
from deploy.model.source import FETCHED, SourceKind

NAMESPACE = "models"
# the label by which everything of one model is found
MODEL_LABEL = "slipway.dev/model"
# the component that answers
SERVER = "server"
PORT, SERVICE_PORT = 8000, 80
MOUNT = "/models"
# written last into a folder of fetched files: their list, with sizes
MARK = ".slipway"
API_KEY, TOKEN = "api-key", "token"
# of a model's environment, what its files are fetched through too, from outside of the cluster
PROXIES = tuple(each for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") for each in (name, name.lower()))
ENDPOINT = "HF_ENDPOINT"
# Secrets of the models' namespace: who may read the store, and who signed its certificate and the registry's
STORE, STORE_CA = "object-store", "object-store-ca"
PULL, REGISTRY_CA = "registry-pull", "registry-ca"


def home() -> dict[str, Any]:
    """Return the models' namespace: its pods keep to the strictest of the Pod Security Standards."""
    labels = {
        **OWNED,
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def fetched(model: Model) -> bool:
    """Say whether its files are fetched into a volume of its own."""
    return model.source.kind in FETCHED


def workload(model: Model) -> str:
    """Return the name of its Deployment, Service and Secrets."""
    return f"model-{model.name}"


def hub_secret(model: Model) -> str:
    """Return the name of the Secret with its hub token."""
    return f"{workload(model)}-hub"


def registry_login(model: Model) -> str:
    """Return the name of the Secret with its account in a registry of others; no model is called so."""
    return f"registry-login-{model.name}"


def registry_ca(model: Model) -> str:
    """Return the name of the Secret with the CA of that registry."""
    return f"{REGISTRY_CA}-{model.name}"


def way(model: Model) -> dict[str, str]:
    """Return the variables by which its source is reached: proxies, and the hub's endpoint."""
    wanted = (*PROXIES, ENDPOINT)
    return {name: value for name, value in model.environment.items() if name in wanted}


def claim(model: Model) -> str:
    """Return the name of the claim that holds this version's files; all versions' with a volume."""
    if model.source.kind is SourceKind.PVC:
        return str(model.origin["pvc"])
    return f"{workload(model)}-{model.volume or model.version}"


def key(model: Model) -> str:
    """Return what this version's files are kept under: short for the source and its checksum."""
    text = json.dumps([model.origin, model.checksum], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def folder(model: Model) -> str:
    """Return where its files lie in its pods."""
    if fetched(model):
        return f"{MOUNT}/{key(model)}"
    part = model.origin.get("path")
    return f"{MOUNT}/{part}" if part else MOUNT


def labels(model: Model, component: str) -> dict[str, str]:
    """Return the labels of one of its objects."""
    return {
        "app.kubernetes.io/name": "vllm",
        "app.kubernetes.io/instance": model.name,
        "app.kubernetes.io/component": component,
        **OWNED,
        MODEL_LABEL: model.name,
    }


def selector(model: Model, component: str) -> dict[str, str]:
    """Return the labels by which its pods are chosen; they never change."""
    return {MODEL_LABEL: model.name, "app.kubernetes.io/component": component}
