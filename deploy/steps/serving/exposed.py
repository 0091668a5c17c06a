"""How a model is reached, and how it is kept: Service, route, who may ask, and what an eviction may take."""

from __future__ import annotations

from deploy.model.serving import Model, ModelExposure
from deploy.serving import names
from deploy.steps.serving import pods, populate, vllm
from deploy.steps.serving.pods import Object

# a long answer is streamed for minutes
ANSWER = "3600s"
ROUTES = "gateway.networking.k8s.io/v1"
DNS = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]


def objects(model: Model) -> list[Object]:
    """Return everything around a model's pods."""
    route = [_route(model)] if model.expose is ModelExposure.GATEWAY else []
    fetches = [_fetching(model)] if names.fetched(model) else []
    return [_service(model), *route, _serving(model), *fetches, _budget(model)]


def _service(model: Model) -> Object:
    balanced = model.expose is ModelExposure.LOAD_BALANCER
    spec: Object = {
        "type": "LoadBalancer" if balanced else "ClusterIP",
        "selector": names.selector(model, vllm.COMPONENT),
        "ports": [{"name": "http", "port": names.SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}],
    }
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _route(model: Model) -> Object:
    gateway = model.gateway
    assert gateway is not None  # noqa: S101 - the rules of the model: one goes with the other
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway.name}
    rule: Object = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        "backendRefs": [{"name": names.workload(model), "port": names.SERVICE_PORT}],
        "timeouts": {"request": ANSWER, "backendRequest": ANSWER},
    }
    spec: Object = {"parentRefs": [{**parent, "namespace": gateway.namespace}], "rules": [rule]}
    if gateway.hostname:
        spec["hostnames"] = [gateway.hostname]
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return {"apiVersion": ROUTES, "kind": "HTTPRoute", "metadata": metadata, "spec": spec}


def _serving(model: Model) -> Object:
    """Return who may reach the engine's port; the engine itself asks for names alone."""
    port = [{"port": names.PORT, "protocol": "TCP"}]
    inside: Object = {"from": [{"namespaceSelector": {}}]}
    asked = {"ports": port, **(inside if model.expose is ModelExposure.CLUSTER else {})}
    spec = {
        "podSelector": {"matchLabels": names.selector(model, vllm.COMPONENT)},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [asked],
        "egress": [{"ports": DNS}],
    }
    return _policy(model, names.workload(model), vllm.COMPONENT, spec)


def _fetching(model: Model) -> Object:
    """Return that nobody reaches what fetches, which itself reaches its source."""
    spec = {
        "podSelector": {"matchLabels": names.selector(model, populate.COMPONENT)},
        "policyTypes": ["Ingress"],
        "ingress": [],
    }
    return _policy(model, f"{names.workload(model)}-populate", populate.COMPONENT, spec)


def _policy(model: Model, name: str, component: str, spec: Object) -> Object:
    metadata = pods.metadata(name, model, component)
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": spec}


def _budget(model: Model) -> Object:
    """Return that an eviction takes one pod at a time; the only one too, or its node could not be drained."""
    spec = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": names.selector(model, vllm.COMPONENT)},
    }
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
