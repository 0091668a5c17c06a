"""Whose host it is, as a fact."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import identity


class HostClaim(FactBase[identity.Claim | None]):
    """Return what the host remembers of its cluster; None means could not be read.

    .. code:: python

        Claim(Identity("homelab", "w1", {"kubernetes.pod_cidr": "10.42.0.0/16"}), member=True)
    """

    @override
    def command(self) -> str:
        return identity.COMMAND

    @override
    def process(self, output: list[str]) -> identity.Claim | None:
        try:
            return identity.parse("\n".join(output))
        except identity.UnreadableIdentityError:
            return None
