"""Certificates of the registry and the object store, by who signs them: the cluster's CA, or cert-manager."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy import context
from deploy.model import CertificateProvider, Cluster
from deploy.model.labels import OWNED
from deploy.operations import conditions, issuance, kube, secrets
from deploy.operations.secrets import Where
from deploy.operations.signing import DAYS
from deploy.steps.cert_manager import ISSUER, NAMESPACE, WEBHOOK_SECONDS, signer

# as of what the cluster's CA signs, made anew when a third is left: cert-manager does that by itself, but a
# registry reads its certificate once, and begins with another one by an apply
LIFE, RENEWED = f"{DAYS * 24}h", f"{DAYS * 8}h"


def authority(cluster: Cluster) -> Where | None:
    """Return the Secret of the CA that cert-manager signs with; None where the cluster's CA does."""
    if cluster.certificates.provider is not CertificateProvider.CERT_MANAGER:
        return None
    return Where(NAMESPACE, signer(cluster, Path(context.lock_path()).parent))


def certified(
    cluster: Cluster, target: Where, names: Sequence[str], addresses: Sequence[str], until: str
) -> None:
    """Have `target` hold a key and a certificate for servers: kubernetes.io/tls, with ca.crt."""
    name = f"Certify {names[0]}"
    if own := authority(cluster):
        wanted = certificate(target, names, addresses, own.name)
        kube.applied(name=name, objects=[wanted], until="certificates", patience=WEBHOOK_SECONDS)
        # one that is given has its digest in its name, and another name is another issuer
        if cluster.certificates.authority is None:
            issuance.present(
                name=f"Have {names[0]} certified by the present CA", target=target, authority=own
            )
        conditions.holds(
            name=f"Wait for the certificate of {names[0]}",
            target=wanted,
            until="certificates",
        )
    else:
        # a Secret whose key is not that of its last request it makes anew at once (cert-manager
        # internal/controller/certificates/policies/policies.go, NewTriggerPolicyChain)
        kube.gone(
            name=f"Have cert-manager leave {names[0]} alone",
            objects=[certificate(target, names, addresses)],
        )
        secrets.certified(name=name, target=target, names=names, addresses=addresses, until=until)


def certificate(
    target: Where, names: Sequence[str], addresses: Sequence[str], issuer: str = ISSUER
) -> dict[str, Any]:
    """Return what asks cert-manager for a certificate."""
    spec = {
        "secretName": target.name,
        "commonName": names[0][:64],
        "dnsNames": list(names),
        "ipAddresses": list(addresses),
        "duration": LIFE,
        "renewBefore": RENEWED,
        "usages": ["digital signature", "server auth"],
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"name": issuer, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }
    metadata = {
        "name": target.name,
        "namespace": target.namespace,
        "labels": OWNED,
    }
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata, "spec": spec}
