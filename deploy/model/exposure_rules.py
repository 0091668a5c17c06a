"""What must hold between the values of an inventory about how models are reached."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.model.cluster import Cluster
from deploy.model.mistake import Mistake, Place
from deploy.model.serving import ModelExposure


def exposure_is_possible(cluster: Cluster) -> Iterator[Mistake]:
    """What gives a model its address is there."""
    for index, model in enumerate(cluster.models):
        place: Place = ("models", index)
        if model.expose is ModelExposure.LOAD_BALANCER and cluster.load_balancer is None:
            text = "load-balancer needs addresses to give; declare load_balancer, or expose: cluster"
            yield Mistake((*place, "expose"), text, involves=(("load_balancer",),))
        if (model.expose is ModelExposure.GATEWAY) != (model.gateway is not None):
            text = "missing; wanted here: the Gateway to be reached through"
            text = text if model.gateway is None else "goes with expose: gateway only; leave it out"
            yield Mistake((*place, "gateway"), text, involves=((*place, "expose"),))


def routes_are_told_apart(cluster: Cluster) -> Iterator[Mistake]:
    """Models of one Gateway have host names of their own: of two equal routes the older takes every request.

    So says kubernetes-sigs/gateway-api apis/v1/httproute_types.go, HTTPRouteRule.Matches.
    """
    first: dict[tuple[str, str | None], int] = {}
    for index, model in enumerate(cluster.models):
        if model.gateway is None:
            continue
        name = model.gateway.hostname
        gateway = f"{model.gateway.namespace}/{model.gateway.name}"
        other = first.setdefault((gateway, name), index)
        if other != index:
            found = f"{name} is also" if name else "missing, as is"
            text = f"{found} that of models[{other}], and {gateway} would ask the older of the two alone"
            text += "; give every model its own"
            involved: Place = ("models", other, "gateway", "hostname")
            yield Mistake(("models", index, "gateway", "hostname"), text, involves=(involved,))
