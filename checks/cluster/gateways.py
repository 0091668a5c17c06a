"""Gateways and the routes of models as the API shows them: whether a Gateway's controller has taken them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from checks.cluster.snapshot import Object, Snapshot, condition, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster
from deploy.model.serving import Model, ModelExposure
from deploy.serving import names

WANTED = "every Gateway programmed, every route accepted and its Service found"


def taken(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every Gateway that a model is reached through is programmed, and has taken the model's route."""
    models = [model for model in cluster.models if model.expose is ModelExposure.GATEWAY]
    if not models:
        return
    gateways, routes = seen.items("gateways"), seen.items("httproutes")
    if gateways is None or routes is None:
        yield unread("GW-03", None, seen.cause("gateways" if gateways is None else "httproutes"))
        return
    wrong = [text for model in models for text in _wrong(model, gateways, routes)]
    good = "; ".join(f"{model.name} by {_gateway(model)}" for model in models)
    yield judged("GW-03", None, not wrong, found="; ".join(wrong) or good, wanted=WANTED)


def _gateway(model: Model) -> str:
    return f"{model.gateway.namespace}/{model.gateway.name}" if model.gateway else ""


def _wrong(model: Model, gateways: Sequence[Object], routes: Sequence[Object]) -> Iterator[str]:
    wanted = _gateway(model)
    gateway = next((each for each in gateways if f"{namespace_of(each)}/{name_of(each)}" == wanted), None)
    if gateway is None:
        yield f"{model.name}: there is no Gateway {wanted}"
        return
    if why := _unmet(gateway.get("status") or {}, "Programmed"):
        yield f"Gateway {wanted}: {why}"
    home, name = names.NAMESPACE, names.workload(model)
    route = next((each for each in routes if (namespace_of(each), name_of(each)) == (home, name)), None)
    if route is None:
        yield f"{model.name}: there is no HTTPRoute {home}/{name}"
        return
    parents = (route.get("status") or {}).get("parents") or ()
    mine = [each for each in parents if _is_of(each, model)]
    if not mine:
        yield f"{model.name}: no controller has looked at its HTTPRoute for {wanted}"
    for parent in mine:
        for kind in ("Accepted", "ResolvedRefs"):
            if why := _unmet(parent, kind):
                yield f"{model.name}: its HTTPRoute for {wanted}: {why}"


def _is_of(parent: Object, model: Model) -> bool:
    """Say whether a parent of a route is the model's Gateway; without a namespace it would be the route's."""
    ref, gateway = parent.get("parentRef") or {}, model.gateway
    where = (ref.get("namespace", names.NAMESPACE), ref.get("name"))
    return gateway is not None and where == (gateway.namespace, gateway.name)


def _unmet(status: Mapping[str, object], kind: str) -> str | None:
    """Say why a condition is not true, in the controller's words; None when it is."""
    found = condition({"status": status}, kind)
    if found is None:
        return f"{kind} is not said"
    if found.get("status") == "True":
        return None
    words = f"{found.get('reason', '')} {found.get('message', '')}".strip()
    return f"{kind} is {found.get('status')}: {words or 'without a reason'}"
