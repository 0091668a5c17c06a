"""How a model is reached, and how it is kept: Service, route, who may ask, and what an eviction may take."""

from __future__ import annotations

from deploy.model.serving import Model, ModelExposure
from deploy.serving import names
from deploy.steps import policies
from deploy.steps.serving import pods, populate, vllm
from deploy.steps.serving.pods import Object

# a long answer is streamed for minutes
ANSWER = "3600s"
ROUTES = "gateway.networking.k8s.io/v1"


def objects(model: Model) -> list[Object]:
    """Return everything around a model's pods but its route."""
    fetches = [_fetching(model)] if names.fetched(model) else []
    return [_service(model), _serving(model), *fetches, _budget(model)]


def _service(model: Model) -> Object:
    balanced = model.expose is ModelExposure.LOAD_BALANCER
    spec: Object = {
        "type": "LoadBalancer" if balanced else "ClusterIP",
        "selector": names.selector(model, vllm.COMPONENT),
        "ports": [{"name": "http", "port": names.SERVICE_PORT, "targetPort": "http", "protocol": "TCP"}],
    }
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def unrouted(model: Model) -> Object:
    """Return the name of a model's route, whether or not there is one."""
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return {"apiVersion": ROUTES, "kind": "HTTPRoute", "metadata": metadata}


def route(model: Model) -> Object:
    """Return the route of a model that is reached through a Gateway."""
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
    return {**unrouted(model), "spec": spec}


def _serving(model: Model) -> Object:
    """Return who reaches the engine's port, metrics with it: pods alone where nothing outside can ask.

    A load balancer and a Gateway may pass on any address. The engine itself asks for names alone.
    """
    inside = policies.PODS if model.expose is ModelExposure.CLUSTER else {}
    asked = {**inside, "ports": [policies.tcp(names.PORT)]}
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return policies.policy(metadata, names.selector(model, vllm.COMPONENT), [asked], [policies.NAMES])


def _fetching(model: Model) -> Object:
    """Return that nobody reaches what fetches, which itself reaches its source, wherever that is."""
    metadata = pods.metadata(f"{names.workload(model)}-populate", model, populate.COMPONENT)
    return policies.policy(metadata, names.selector(model, populate.COMPONENT), egress=None)


def _budget(model: Model) -> Object:
    """Return that an eviction takes one pod at a time; the only one too, or its node could not be drained."""
    spec = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": names.selector(model, vllm.COMPONENT)},
    }
    metadata = pods.metadata(names.workload(model), model, vllm.COMPONENT)
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec}
