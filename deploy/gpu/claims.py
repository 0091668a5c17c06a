"""ResourceClaims and ResourceClaimTemplates, in the shape of the API version that a cluster serves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploy.catalog import gpu as names
from deploy.catalog.gpu import ResourceApi
from deploy.gpu.need import Need, NeedError
from deploy.gpu.selectors import selectors
from deploy.model import Vendor
from deploy.model.labels import OWNED

Object = dict[str, Any]
REQUEST = "gpu"
TAINTS = ("NoExecute", "NoSchedule")


def spec(api: ResourceApi, need: Need, declared: Iterable[str], *, alike: bool = False) -> Object:
    """Return a claim's spec; `declared` are the models to take where the need names none.

    With `alike` all of its devices are of one model, whichever it is.
    """
    if len(need.models) > 1:
        return {"devices": {"requests": [_first_available(api, need)]}}
    wanted = _wanted(need, selectors(need, need.models or tuple(declared)))
    same = {"constraints": [{"requests": [REQUEST], "matchAttribute": _model(need.vendor)}]} if alike else {}
    return {"devices": {"requests": [_request(api, wanted)], **same}}


def _model(vendor: Vendor) -> str:
    known = names.names(vendor)
    return f"{known.driver}/{known.model.attribute}"


def _wanted(need: Need, selected: list[dict[str, dict[str, str]]]) -> Object:
    known = names.names(need.vendor)
    kind = known.part if need.profile and known.part else known.whole
    wanted: Object = {"deviceClassName": kind.device_class}
    if selected:
        wanted["selectors"] = selected
    return {**wanted, "allocationMode": "ExactCount", "count": need.count}


def _request(api: ResourceApi, wanted: Object) -> Object:
    return {"name": REQUEST, **wanted} if api.is_flat else {"name": REQUEST, "exactly": wanted}


def _first_available(api: ResourceApi, need: Need) -> Object:
    if not api.first_available:
        raise NeedError(
            f"{' before '.join(need.models)}: this Kubernetes cannot prefer one model over another"
            " (feature gate DRAPrioritizedList, on since 1.34); name one model"
        )
    return {
        "name": REQUEST,
        "firstAvailable": [
            {"name": f"choice-{number}", **_wanted(need, selectors(need, [model]))}
            for number, model in enumerate(need.models, start=1)
        ],
    }


def template(api: ResourceApi, name: str, namespace: str, wanted: Object) -> Object:
    """Return the template of which every pod gets a claim of its own."""
    return {**_head(api, "ResourceClaimTemplate", name, namespace), "spec": {"spec": wanted}}


def claim(api: ResourceApi, name: str, namespace: str, wanted: Object) -> Object:
    """Return the claim that several pods share."""
    return {**_head(api, "ResourceClaim", name, namespace), "spec": wanted}


def _head(api: ResourceApi, kind: str, name: str, namespace: str) -> Object:
    metadata = {"name": name, "namespace": namespace, "labels": dict(OWNED)}
    return {"apiVersion": f"resource.k8s.io/{api.version}", "kind": kind, "metadata": metadata}


def monitoring(api: ResourceApi, vendor: Vendor, name: str, namespace: str) -> list[Object]:
    """Return a template that sees every device of a vendor without taking it, and its namespace."""
    if not api.admin_access:
        raise NeedError(
            "a monitoring claim needs adminAccess, which this Kubernetes does not know yet"
            " (feature gate DRAAdminAccess, on since 1.34)"
        )
    wanted: Object = {
        "deviceClassName": names.names(vendor).whole.device_class,
        "allocationMode": "All",
        "adminAccess": True,
    }
    if api.tolerations:
        # a monitor watches sick devices too
        wanted["tolerations"] = [{"operator": "Exists", "effect": effect} for effect in TAINTS]
    request = {"devices": {"requests": [_request(api, wanted)]}}
    return [*_allowed(api, namespace), template(api, name, namespace, request)]


def _allowed(api: ResourceApi, namespace: str) -> list[Object]:
    if api.admin_label is None:
        return []
    labels = {api.admin_label: "true"}
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}]
