"""Whom a host trusts."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import trust


class SystemTrust(FactBase[trust.Trusted | None]):
    """Return the digests of a CA, of its copy in the system's store, and of what programs read of it.

    .. code:: python

        Trusted(wanted="e3b0c442...", local="e3b0c442...", linked=None)
    """

    @override
    def command(self, path: str) -> str:
        return trust.command(path)

    @override
    def process(self, output: list[str]) -> trust.Trusted | None:
        return trust.parse(output)
