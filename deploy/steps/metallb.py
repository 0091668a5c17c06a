"""LoadBalancer addresses: MetalLB in L2 mode from its chart, the declared pool, and where it is announced."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyinfra.api import deploy

from deploy import context
from deploy.model import LoadBalancer
from deploy.model.labels import OWNED, PRIVILEGED
from deploy.operations import helm, kube
from deploy.operations.helm import Release
from deploy.operations.kube import Webhook
from deploy.steps import charts

NAMESPACE = "metallb-system"
POOL = "slipway"
# speakers use the host's network; MetalLB's installation page names these three
# how long the webhook may take until it takes a pool; it starts with its controller
WEBHOOK_SECONDS = 120


@deploy("Load balancer")
def metallb() -> None:
    """Install MetalLB, then give it the pool."""
    balancer = context.cluster().load_balancer
    if balancer is None or not context.speaks():
        return
    chart = charts.fetched("metallb-chart")
    kube.applied(name="Make the namespace", objects=[namespace()], until="load-balancer")
    images = {name: charts.image(f"metallb-{name}") for name in ("controller", "speaker")}
    release = Release("metallb", NAMESPACE, chart.path, chart.locked.sha256, values(images))
    helm.released(name="Install MetalLB", release=release)
    kube.rolled_out(
        name="Wait for its webhook",
        namespace=NAMESPACE,
        workloads=["deployment/metallb-controller"],
        until="load-balancer",
    )
    kube.applied(
        name="Give it the addresses",
        objects=pool(balancer),
        until="load-balancer",
        patience=WEBHOOK_SECONDS,
        webhook=Webhook(NAMESPACE, "app.kubernetes.io/component=controller"),
    )


def namespace() -> dict[str, Any]:
    """Return MetalLB's namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": PRIVILEGED}}


def values(images: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the values of MetalLB's chart: L2 only, so neither of the two BGP backends."""
    # the chart's first look at a pod comes after 10 s; a pod that is ready earlier is used earlier
    probe = {"initialDelaySeconds": 1, "periodSeconds": 2}
    return {
        "controller": {"image": dict(images["controller"]), "readinessProbe": probe},
        "speaker": {
            "image": dict(images["speaker"]),
            "readinessProbe": dict(probe),
            "frr": {"enabled": False},
        },
        "frrk8s": {"enabled": False},
    }


def pool(balancer: LoadBalancer) -> list[dict[str, Any]]:
    """Return the pool and its advertisement; without declared interfaces every interface answers."""
    advertisement: dict[str, Any] = {"ipAddressPools": [POOL]}
    if balancer.interfaces:
        advertisement["interfaces"] = list(balancer.interfaces)
    return [
        _object("IPAddressPool", {"addresses": [str(part) for part in balancer.pool]}),
        _object("L2Advertisement", advertisement),
    ]


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": POOL, "namespace": NAMESPACE, "labels": OWNED}
    return {"apiVersion": "metallb.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}
