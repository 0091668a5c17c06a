"""Models of the hub before they are installed: whether the nodes that may run them are given their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.collect.observed import Observed
from checks.preflight.verdicts import ClusterJudge, Everyone, Said, failed, passed, skipped, unavailable
from deploy.errors import InventoryError
from deploy.model import Cluster
from deploy.model.serving import Model
from deploy.model.source import SourceKind
from deploy.serving import names, placing

ENDPOINT = "https://huggingface.co"
LIMITED = ", too many requests: wait a while, or name a token"
WANTED = "every model's config.json"


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of one model; good is None where it could not be asked for as its Job will."""

    text: str
    good: bool | None


def url(model: Model) -> str:
    """Return where the hub has a model's config.json, which a gated model is asked for its token at."""
    endpoint = model.environment.get(names.ENDPOINT, ENDPOINT).rstrip("/")
    origin = model.origin
    return f"{endpoint}/{origin['hub']}/resolve/{origin['revision']}/config.json"


def urls(cluster: Cluster) -> tuple[str, ...]:
    """Return what hosts are to ask; a model with a proxy of its own is not reached as they would reach it."""
    return tuple(url(model) for model in _models(cluster) if not _proxied(model))


def _models(cluster: Cluster) -> list[Model]:
    return [model for model in cluster.models if model.source.kinds == (SourceKind.HUB,)]


def _proxied(model: Model) -> bool:
    return any(name in model.environment for name in names.PROXIES)


def files(everyone: Everyone) -> Said:
    """The hub gives each model's files to the nodes that may run it."""
    models = _models(everyone.cluster)
    if not models:
        return skipped("no model comes from the hub")
    asked = [host for host in everyone.hosts if host.reach is not None or "reach" in host.causes]
    if not asked:
        return skipped("not asked: the collection was made without addresses")
    if blind := [host for host in asked if host.reach is None]:
        return unavailable(f"reach: {blind[0].cause('reach')}")
    told = [_of(everyone.cluster, model, asked) for model in models]
    if bad := [each for each in told if each.good is False]:
        return failed("; ".join(each.text for each in bad), WANTED)
    said = "; ".join(each.text for each in told)
    return passed(said, WANTED) if any(each.good for each in told) else skipped(said)


def _of(cluster: Cluster, model: Model, hosts: Sequence[Observed]) -> _Told:
    if _proxied(model):
        return _Told(f"{model.name} is fetched through a proxy of its own", None)
    try:
        able = {node.name for node in placing.nodes(cluster, model)}
    except InventoryError as error:
        return _Told(f"{model.name}: {error}", None)
    found = {each.host: each.reach.statuses.get(url(model), 0) for each in hosts if each.reach}
    statuses = {host: status for host, status in found.items() if host in able}
    if not statuses:
        return _Told(f"{model.name}: no node that may run it was read", None)
    return _judged(model, statuses)


def _judged(model: Model, statuses: dict[str, int]) -> _Told:
    """Return what the worst answer means; a redirect leads to the file."""
    name = model.name
    if silent := [host for host, status in statuses.items() if not 200 <= status < 500]:
        return _Told(f"{name}: {', '.join(silent)} gets no answer from the hub", False)
    if status := next((each for each in statuses.values() if each in (401, 403)), 0):
        if model.source.token is not None:
            return _Told(f"{name} is asked for with its token, by the Job that fetches it", None)
        return _Told(f"{name}: {status} without a token; it is gated, private or not there", False)
    if 404 in statuses.values():
        commit = str(model.source.revision)[:12]
        return _Told(f"{name}: 404; the hub has no commit {commit}, or no config.json in it", False)
    if status := next((each for each in statuses.values() if each >= 400), 0):
        return _Told(f"{name}: the hub refuses with {status}{LIMITED if status == 429 else ''}", False)
    return _Told(f"{name} is there", True)


CLUSTER_JUDGES: dict[str, ClusterJudge] = {"SRV-12": files}
