"""Have hosts trust the CA that signs for the registry and the object store."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import context
from deploy.operations import trust as operations
from deploy.steps import certificates


@deploy("Trust")
def trust() -> None:
    """Bring a CA that cert-manager made to the host, and any into the system's store where declared."""
    cluster = context.cluster()
    if own := certificates.authority(cluster):
        operations.brought(
            name="Bring the CA to the host",
            speaker=context.speaker(),
            source=own,
            path=cluster.services_ca,
            until="certificates",
        )
    if cluster.certificates.system_trust:
        operations.system(name="Have every program trust the CA", path=cluster.services_ca)
