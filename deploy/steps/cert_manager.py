"""cert-manager: certificates for the webhooks of others; ready when its own webhook takes an Issuer."""

from __future__ import annotations

from typing import Any

from pyinfra.api import deploy

from deploy import context
from deploy.operations import helm, kube
from deploy.steps import gpu_stack

NAMESPACE = "cert-manager"
RELEASE = "cert-manager"
PHASE = "certificates"
# the webhook's certificate is made by another of its pods, so it answers a little after it is ready
WEBHOOK_SECONDS = 120


@deploy("Certificates")
def cert_manager() -> None:
    """Install cert-manager, and wait until its webhook lets an Issuer in."""
    if not context.speaks():
        return
    chart = gpu_stack.registry_chart(RELEASE)
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    kube.applied(name="Make the namespace", objects=[home], until=PHASE)
    release = gpu_stack.release(RELEASE, NAMESPACE, chart, values())
    helm.released(name="Install cert-manager", release=release)
    names = ("", "-webhook", "-cainjector")
    kube.rolled_out(
        name="Wait for its pods",
        namespace=NAMESPACE,
        workloads=[f"deployment/{RELEASE}{name}" for name in names],
        until=PHASE,
    )
    kube.applied(name="Give it an issuer", objects=[issuer()], until=PHASE, patience=WEBHOOK_SECONDS)


def values() -> dict[str, Any]:
    """Return the chart's values; its kinds outlive it, or every certificate would go with it."""
    return {"crds": {"enabled": True, "keep": True}}


def issuer() -> dict[str, Any]:
    """Return the issuer of self-signed certificates, the root of every chain made in the cluster."""
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": "slipway-self-signed", "labels": dict(gpu_stack.OWNED)},
        "spec": {"selfSigned": {}},
    }
