"""The Gateway API by which models are reached: who brought it, and which routes controllers have taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from checks.cluster.snapshot import Object, Snapshot, condition, name_of, namespace_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster
from deploy.model.serving import Model, ModelExposure
from deploy.serving import names

# https://gateway-api.sigs.k8s.io/guides/implementers/: every definition has the bundle that it came with
BUNDLE = "gateway.networking.k8s.io/bundle-version"
UNKNOWN = "no known bundle"
DEFINED = ".gateway.networking.k8s.io"
RELEASE = ("meta.helm.sh/release-namespace", "meta.helm.sh/release-name")  # as Helm marks what is a release's
WANTED = "every Gateway programmed, every route accepted and its Service found"


def _routed(cluster: Cluster) -> list[Model]:
    return [model for model in cluster.models if model.expose is ModelExposure.GATEWAY]


def brought_once(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """All definitions of the Gateway API came with one bundle, and belong to one release, or to none."""
    if not _routed(cluster):
        return
    definitions = seen.items("definitions")
    if definitions is None:
        yield unread("GW-01", None, seen.cause("definitions"))
        return
    origins = Counter(_origin(each) for each in definitions if name_of(each).endswith(DEFINED))
    said = "; ".join(f"{count} of {origin}" for origin, count in sorted(origins.items()))
    found = f"definitions: {said}" if said else "the Gateway API is not defined"
    good = len(origins) == 1 and not any(UNKNOWN in origin for origin in origins)
    yield judged("GW-01", None, good, found=found, wanted="one known bundle, and one owner")


def _origin(definition: Object) -> str:
    """Return which bundle a definition came with, and whose it is."""
    notes = definition["metadata"].get("annotations") or {}
    bundle = notes.get(BUNDLE, UNKNOWN)
    release = "/".join(str(notes[each]) for each in RELEASE if each in notes)
    return f"{bundle}, {f'of the release {release}' if release else 'of no Helm release'}"


def taken(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """Every Gateway that a model is reached through is programmed, and has taken the model's route."""
    models = _routed(cluster)
    if not models:
        return
    gateways, routes = seen.items("gateways"), seen.items("httproutes")
    if gateways is None or routes is None:
        yield unread("GW-03", None, seen.cause("gateways" if gateways is None else "httproutes"))
        return
    wrong = [text for model in models for text in untaken(model, gateways, routes)]
    good = "; ".join(f"{model.name} by {_gateway(model)}" for model in models)
    yield judged("GW-03", None, not wrong, found="; ".join(wrong) or good, wanted=WANTED)


def _gateway(model: Model) -> str:
    return f"{model.gateway.namespace}/{model.gateway.name}" if model.gateway else ""


def untaken(model: Model, gateways: Sequence[Object], routes: Sequence[Object]) -> Iterator[str]:
    """Yield why a model is not reached through its Gateway, as the controller says it."""
    wanted = _gateway(model)
    gateway = next((each for each in gateways if f"{namespace_of(each)}/{name_of(each)}" == wanted), None)
    if gateway is None:
        yield f"{model.name}: there is no Gateway {wanted}"
        return
    if why := _unmet(gateway, gateway.get("status") or {}, "Programmed"):
        yield f"Gateway {wanted}: {why}"
        yield from _unlistened(wanted, gateway)
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
            if why := _unmet(route, parent, kind):
                yield f"{model.name}: its HTTPRoute for {wanted}: {why}"


def _unlistened(wanted: str, gateway: Object) -> Iterator[str]:
    """Yield what is wrong with a Gateway's listeners, where the Gateway itself says no more than that."""
    for each in (gateway.get("status") or {}).get("listeners") or ():
        for told in each.get("conditions") or ():
            if told.get("type") in ("Accepted", "ResolvedRefs") and told.get("status") == "False":
                yield f"Gateway {wanted}, listener {each['name']}: {_unmet(gateway, each, told['type'])}"


def _is_of(parent: Object, model: Model) -> bool:
    """Say whether a parent of a route is the model's Gateway; without a namespace it would be the route's."""
    ref, gateway = parent.get("parentRef") or {}, model.gateway
    where = (ref.get("namespace", names.NAMESPACE), ref.get("name"))
    return gateway is not None and where == (gateway.namespace, gateway.name)


def _unmet(obj: Object, status: Mapping[str, object], kind: str) -> str | None:
    """Say why a condition of an object is not true, in the controller's words; None when it is."""
    found = condition({"status": status}, kind)
    if found is None:
        return f"{kind} is not said"
    if found.get("status") == "True":
        # a condition of another form says nothing: the controller may be gone (metav1.Condition)
        now = obj["metadata"].get("generation", 0)
        old = found.get("observedGeneration", now) < now
        return f"{kind} was said before it was changed, and no controller has looked since" if old else None
    words = f"{found.get('reason', '')} {found.get('message', '')}".strip()
    return f"{kind} is {found.get('status')}: {words or 'without a reason'}"
