"""Have hosts trust the CA that signs for the registry and the object store."""

from __future__ import annotations

from pathlib import Path

from pyinfra.api import deploy

from deploy import context
from deploy.model import CertificateProvider
from deploy.operations import trust as operations
from deploy.operations.secrets import Where
from deploy.steps.cert_manager import NAMESPACE, signer


@deploy("Trust")
def trust() -> None:
    """Bring a CA that cert-manager made to the host, and any into the system's store where declared."""
    cluster = context.cluster()
    if cluster.certificates.provider is CertificateProvider.CERT_MANAGER:
        operations.brought(
            name="Bring the CA to the host",
            speaker=context.speaker(),
            source=Where(NAMESPACE, signer(cluster, Path(context.lock_path()).parent)),
            path=cluster.services_ca,
            until="certificates",
        )
    if cluster.certificates.system_trust:
        operations.system(name="Have every program trust the CA", path=cluster.services_ca)
