"""The pods' network: flannel from its chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyinfra.api import deploy

from deploy import context
from deploy.model import Cluster
from deploy.operations import helm, kube
from deploy.operations.helm import Release
from deploy.steps import charts

NAMESPACE = "kube-flannel"
PODS = f"daemonset/kube-flannel-ds --namespace {NAMESPACE}"
PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}


@deploy("Network")
def cni() -> None:
    """Install flannel."""
    if not context.speaks():
        return
    chart = charts.fetched("flannel-chart")
    kube.applied(name="Make the namespace", objects=[namespace()], until="network")
    images = {name: charts.image(name) for name in ("flannel", "flannel-cni-plugin")}
    release = Release(
        "flannel", NAMESPACE, chart.path, chart.locked.sha256, values(context.cluster(), images)
    )
    helm.released(name="Install flannel", release=release)


def namespace() -> dict[str, Any]:
    """Return flannel's namespace; its pods use the host's network."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": PRIVILEGED}}


def values(cluster: Cluster, images: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the values of flannel's chart."""
    return {
        "podCidr": str(cluster.kubernetes.pod_cidr),
        "flannel": {
            "backend": "vxlan",
            "image": dict(images["flannel"]),
            "flannel_cni": {"image": dict(images["flannel-cni-plugin"])},
        },
    }
