"""What the API says about a whole cluster, read in a few calls; what could not be read says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deploy.catalog.gpu import resource_api
from deploy.gpu.operators import operated
from deploy.model import Cluster
from deploy.model.serving import ModelExposure

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the API: its text, or why there is none."""

    text: str | None = None
    cause: str = "it was not asked for"

    def data(self) -> Any:
        """Return the parsed JSON; None when there is none, which is never good."""
        try:
            return None if self.text is None else json.loads(self.text)
        except ValueError:
            return None

    def items(self) -> tuple[Object, ...] | None:
        """Return the objects of a list."""
        data = self.data()
        return (
            tuple(data["items"]) if isinstance(data, dict) and isinstance(data.get("items"), list) else None
        )


READY = "/readyz"
# the labels of what an active verify makes, which is gone a moment after it
OWNED = {"app.kubernetes.io/managed-by": "slipway", "app.kubernetes.io/component": "verify"}
PATHS = {
    "ready": READY,
    "version": "/version",
    "nodes": "/api/v1/nodes",
    "pods": "/api/v1/pods",
    "services": "/api/v1/services",
    "daemonsets": "/apis/apps/v1/daemonsets",
    "deployments": "/apis/apps/v1/deployments",
    "namespaces": "/api/v1/namespaces",
}
METALLB_PATHS = {
    "pools": "/apis/metallb.io/v1beta1/ipaddresspools",
    "advertisements": "/apis/metallb.io/v1beta1/l2advertisements",
}
SERVING_PATHS = {
    "jobs": "/apis/batch/v1/jobs",
    "persistentvolumeclaims": "/api/v1/persistentvolumeclaims",
    "persistentvolumes": "/api/v1/persistentvolumes",
}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
"""Asked apart, and for their metadata alone: their schemas are megabytes."""
GATEWAY_PATHS = {
    "definitions": DEFINITIONS,
    "gateways": "/apis/gateway.networking.k8s.io/v1/gateways",
    "httproutes": "/apis/gateway.networking.k8s.io/v1/httproutes",
}
STORAGE_PATHS = {
    "storageclasses": "/apis/storage.k8s.io/v1/storageclasses",
    "persistentvolumeclaims": "/api/v1/persistentvolumeclaims",
    "persistentvolumes": "/api/v1/persistentvolumes",
    "statefulsets": "/apis/apps/v1/statefulsets",
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The answers by name; `configz` by node."""

    answers: Mapping[str, Answer]
    configz: Mapping[str, Answer] = field(default_factory=dict)

    def answer(self, name: str) -> Answer:
        """Return an answer, or that nobody asked."""
        return self.answers.get(name, Answer())

    def items(self, name: str) -> tuple[Object, ...] | None:
        """Return the objects of a list, or None when it could not be read."""
        return self.answer(name).items()

    def cause(self, name: str) -> str:
        """Return why a list could not be read."""
        answer = self.answer(name)
        return answer.cause if answer.text is None else f"the API answered {answer.text[:80]!r}"

    def kubelet(self, node: str) -> Object | None:
        """Return the configuration that a node's kubelet runs with, or None when it could not be read."""
        data = self.configz[node].data()
        found = data.get("kubeletconfig") if isinstance(data, dict) else None
        return found if isinstance(found, dict) else None

    def unconfigured(self, node: str) -> str:
        """Return why that could not be read."""
        answer = self.configz[node]
        return answer.cause if answer.text is None else "no kubeletconfig"


def paths(cluster: Cluster) -> dict[str, str]:
    """Return every path that a snapshot of this cluster asks for, by name."""
    metallb = METALLB_PATHS if cluster.load_balancer else {}
    storage = STORAGE_PATHS if cluster.storage or cluster.object_store or cluster.registry else {}
    configz = {f"configz {node.name}": f"/api/v1/nodes/{node.name}/proxy/configz" for node in cluster.nodes}
    serving = SERVING_PATHS if cluster.models else {}
    routed = any(model.expose is ModelExposure.GATEWAY for model in cluster.models)
    gateways = GATEWAY_PATHS if routed else {}
    return {**PATHS, **metallb, **storage, **serving, **gateways, **_gpus(cluster), **configz}


def unserved(cause: str) -> bool:
    """Say whether a list could not be read because the API server knows no such kind."""
    return "could not find the requested resource" in cause or cause.startswith("status 404")


def _gpus(cluster: Cluster) -> dict[str, str]:
    if not cluster.gpu_nodes():
        return {}
    kubernetes = cluster.kubernetes
    api = resource_api(kubernetes.version, kubernetes.feature_gates).version
    kinds = ("resourceslices", "resourceclaims", "resourceclaimtemplates", "deviceclasses")
    operators = {each.plural: f"/apis/{each.api_version}/{each.plural}" for _, each in operated(cluster)}
    return {**{kind: f"/apis/resource.k8s.io/{api}/{kind}" for kind in kinds}, **operators}


def snapshot(cluster: Cluster, ask: Callable[[Mapping[str, str]], Mapping[str, Answer]]) -> Snapshot:
    """Ask for everything at once and sort the answers."""
    answers = ask(paths(cluster))
    return Snapshot(
        {name: answer for name, answer in answers.items() if not name.startswith("configz ")},
        {node.name: answers[f"configz {node.name}"] for node in cluster.nodes},
    )


def silent(cluster: Cluster, cause: str) -> Snapshot:
    """Return the snapshot of a cluster whose API does not answer."""
    return snapshot(cluster, lambda wanted: {name: Answer(cause=cause) for name in wanted})


def condition(obj: Object, kind: str) -> Object | None:
    """Return a condition of an object's status."""
    return next((each for each in conditions(obj) if each.get("type") == kind), None)


def conditions(obj: Object) -> Iterator[Object]:
    """Yield the conditions of an object's status."""
    yield from obj.get("status", {}).get("conditions") or ()


def name_of(obj: Object) -> str:
    """Return an object's name."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: Object) -> str:
    """Return an object's namespace, empty for one without."""
    return str(obj["metadata"].get("namespace", ""))
