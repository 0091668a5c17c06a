"""Who signs the certificates of what runs in the cluster."""

from __future__ import annotations

from enum import StrEnum

from deploy.model.forms import Switch
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


class Certificates(Section):
    """Certificates of the registry, the object store and the like."""

    provider: CertificateProvider = setting(
        Change.LIVE,
        "What signs certificates: the cluster's own CA, or cert-manager with a CA that it makes.",
        default=CertificateProvider.CLUSTER_CA,
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
