"""Know whose hosts these are before anything is changed on them."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import context
from deploy.operations import identity as operations


@deploy("Identity")
def identity() -> None:
    """Claim the host for this cluster, or refuse to touch it."""
    operations.claimed(name="Claim the host for the cluster", cluster=context.cluster(), node=context.node())
