"""Objects of resource.k8s.io that somebody has written: whether a cluster takes them as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from deploy.catalog.gpu import GROUP, resource_api
from deploy.model import Cluster

EXACTLY = "exactly"
OR_FIRST = "firstAvailable"
CLAIMS = ("ResourceClaim", "ResourceClaimTemplate")


def refused(cluster: Cluster, objects: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say which objects the cluster's API will not take: another version, or that version's other shape."""
    api = resource_api(cluster.kubernetes.version, cluster.kubernetes.feature_gates)
    wanted = f"{GROUP}/{api.version}"
    found = []
    for obj in objects:
        if not str(obj["apiVersion"]).startswith(f"{GROUP}/"):
            continue
        name = f"{obj['kind']} {obj['metadata']['name']}"
        if obj["apiVersion"] != wanted:
            found.append(
                f"{name} is written in {obj['apiVersion']}, {cluster.kubernetes.version} serves {wanted}"
            )
        elif wrong := [each for each in _requests(obj) if _is_flat(each) is not api.is_flat]:
            place = "beside its name" if api.is_flat else f"under `{EXACTLY}`"
            found.append(f"{name}: request {wrong[0].get('name')} says what it wants elsewhere than {place}")
    return found


def _requests(obj: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what a claim or a template asks for; other kinds ask for nothing."""
    if obj["kind"] in CLAIMS:
        spec = obj.get("spec") or {}
        yield from ((spec.get("spec") or spec).get("devices") or {}).get("requests") or ()


def _is_flat(request: Mapping[str, Any]) -> bool:
    return EXACTLY not in request and OR_FIRST not in request
