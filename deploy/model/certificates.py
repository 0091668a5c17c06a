"""Who signs the certificates of what runs in the cluster."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from deploy.model.forms import Switch
from deploy.model.secret import SecretRef
from deploy.model.section import Section, setting
from deploy.model.values import Change, Distribution

# the cluster's own CA, as every node has it from its join
CLUSTER_CA = {
    Distribution.KUBEADM: "/etc/kubernetes/pki/ca.crt",
    Distribution.K3S: "/var/lib/rancher/k3s/agent/server-ca.crt",
}
# what cert-manager signs with, as slipway puts it on every host
SERVICES_CA = "/etc/slipway/services-ca.crt"


class CertificateProvider(StrEnum):
    """What signs certificates."""

    CLUSTER_CA = "cluster-ca"
    CERT_MANAGER = "cert-manager"


class Authority(Section):
    """A CA of the operator's own."""

    certificate: Annotated[str, Field(min_length=1)] = setting(
        Change.LIVE,
        "Its certificate, a PEM file from the inventory's directory; with those above an intermediate one.",
    )
    key: SecretRef = setting(Change.LIVE, "Where its private key is found.")


class Certificates(Section):
    """Certificates of the registry, the object store and the like."""

    provider: CertificateProvider = setting(
        Change.LIVE,
        "What signs certificates: the cluster's own CA, or cert-manager with a CA that it makes or is given.",
        default=CertificateProvider.CLUSTER_CA,
    )
    authority: Authority | None = setting(
        Change.LIVE,
        "A CA that cert-manager signs with, in place of one that it makes; another one signs all anew.",
        default=None,
    )
    system_trust: Switch = setting(
        Change.LIVE,
        "Whether every program of the hosts trusts that CA, not the container runtime alone.",
        default=False,
    )

    def ca_on_hosts(self, distribution: Distribution) -> str:
        """Return the path of the CA's certificate on every host."""
        if self.provider is CertificateProvider.CERT_MANAGER:
            return SERVICES_CA
        return CLUSTER_CA[distribution]
