"""cert-manager: certificates for the webhooks of others; ready when its own webhook takes an Issuer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyinfra.api import deploy

from deploy import context
from deploy.catalog import gpu_needs
from deploy.model import CertificateProvider, Cluster, SecretRef
from deploy.model.labels import OWNED
from deploy.model.secret import value
from deploy.operations import conditions, helm, kube, secrets
from deploy.operations.secrets import Given, Keep, Where
from deploy.steps import charts, gpu_images, gpu_stack

NAMESPACE = "cert-manager"
RELEASE = "cert-manager"
PHASE = "certificates"
SELF_SIGNED = "slipway-self-signed"
# the CA that signs for registry and object store: its certificate, its Secret and its issuer
ISSUER = "slipway-ca"
CA_LIFE, CA_RENEWED = "87600h", "8760h"  # ten years, made anew in the last: hosts and clients carry it
# the pods of the chart beside its controller, as its values name them
PARTS = ("webhook", "cainjector")
# the webhook's certificate is made by another of its pods, so it answers a little after it is ready; and it
# is one pod, which may just begin anew
WEBHOOK_SECONDS = 120


@deploy("Certificates")
def cert_manager() -> None:
    """Install cert-manager, and wait until its webhook lets an Issuer in."""
    if not context.speaks():
        return
    chart = gpu_stack.registry_chart(RELEASE)
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    kube.applied(name="Make the namespace", objects=[home], until=PHASE)
    known = {part: charts.image(f"{RELEASE}-{part}") for part in gpu_needs.CERT_MANAGER_PARTS}
    wanted = gpu_images.pinned(values(context.cluster()), images(known))
    release = gpu_stack.release(RELEASE, NAMESPACE, chart, wanted)
    helm.released(name="Install cert-manager", release=release)
    names = ("", "-webhook", "-cainjector")
    kube.rolled_out(
        name="Wait for its pods",
        namespace=NAMESPACE,
        workloads=[f"deployment/{RELEASE}{name}" for name in names],
        until=PHASE,
    )
    kube.applied(name="Give it an issuer", objects=[issuer()], until=PHASE, patience=WEBHOOK_SECONDS)
    if context.cluster().certificates.provider is CertificateProvider.CERT_MANAGER:
        _signing(context.cluster(), Path(context.lock_path()).parent)


def _signing(cluster: Cluster, home: Path) -> None:
    """Have a CA that certificates are signed with: the operator's, or one that is made."""
    own = cluster.certificates.authority
    if own is None:
        made = authority(cluster.name)
        kube.applied(name="Make a CA", objects=made, until=PHASE, patience=WEBHOOK_SECONDS)
        conditions.holds(name="Wait for the CA", target=made[0], until=PHASE)
        return
    name, certificate = signer(cluster, home), Given(SecretRef(file=own.certificate), home)
    values = {"tls.crt": certificate, "tls.key": Given(own.key, home), "ca.crt": certificate}
    secrets.kept(name="Give it the CA", wanted=[Keep(Where(NAMESPACE, name), values)], until=PHASE)
    wanted = signing(name)
    kube.applied(name="Have it sign with the CA", objects=[wanted], until=PHASE, patience=WEBHOOK_SECONDS)
    conditions.holds(name="Wait for the CA", target=wanted, until=PHASE)


def signer(cluster: Cluster, home: Path) -> str:
    """Return the name of the issuer that signs, and of its Secret; `home` is the inventory's directory.

    Another issuer has certificates made anew, another content of its Secret does not
    (cert-manager.io/docs/faq, When do certs get re-issued), so that a CA that is given has its digest here.
    """
    own = cluster.certificates.authority
    if own is None:
        return ISSUER
    text = value(SecretRef(file=own.certificate), home)
    return f"{ISSUER}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def signing(name: str) -> dict[str, Any]:
    """Return the issuer that signs with the CA in the Secret of its name."""
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": name, "labels": dict(OWNED)},
        "spec": {"ca": {"secretName": name}},
    }


def values(cluster: Cluster) -> dict[str, Any]:
    """Return the chart's values; its kinds outlive it, or every certificate would go with it.

    Its own check after an install is left out: where images take long to come, Helm gives up on it and calls
    the release failed (cert-manager/cert-manager#4646). An issuer that is let in shows the same.
    The chart's pods tolerate nothing by themselves: where all workers are tainted, such as for their GPUs,
    there would be no node for them.
    """
    chosen: dict[str, Any] = {
        "crds": {"enabled": True, "keep": True},
        "startupapicheck": {"enabled": False},
    }
    if cluster.workers and all(node.taints for node in cluster.workers):
        tolerations = {"tolerations": gpu_stack.tolerated(cluster.workers)}
        chosen |= tolerations | {part: dict(tolerations) for part in PARTS}
    return chosen


def images(known: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return what names the chart's images, by part: the controller's stands at the top."""
    parts = {part: {"image": dict(image)} for part, image in known.items()}
    return parts.pop("controller") | parts


def issuer() -> dict[str, Any]:
    """Return the issuer of self-signed certificates, the root of every chain made in the cluster."""
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": SELF_SIGNED, "labels": dict(OWNED)},
        "spec": {"selfSigned": {}},
    }


def authority(cluster: str) -> list[dict[str, Any]]:
    """Return a CA and what signs with it.

    The CA signs itself, by the issuer that needs no Secret: one that is issued by the issuer that needs the
    CA's own Secret would never be ready on a fresh cluster.
    """
    labels = dict(OWNED)
    spec = {
        "isCA": True,
        "commonName": f"slipway {cluster}",
        "secretName": ISSUER,
        "duration": CA_LIFE,
        "renewBefore": CA_RENEWED,
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"},
        "issuerRef": {"name": SELF_SIGNED, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }
    return [
        {
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "metadata": {"name": ISSUER, "namespace": NAMESPACE, "labels": labels},
            "spec": spec,
        },
        signing(ISSUER),
    ]
