"""A host's names and its kind of processor as facts."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import hostname


class HostIdentity(FactBase[hostname.Identity | None]):
    r"""Return the host's name and /etc/hosts; None means could not be read.

    .. code:: python

        Identity("w1", "127.0.0.1 localhost\n")
    """

    @override
    def command(self) -> str:
        return hostname.COMMAND

    @override
    def process(self, output: list[str]) -> hostname.Identity | None:
        return hostname.parse("\n".join(output))


class Machine(FactBase[str | None]):
    """Return the processor's architecture as the kernel names it; None means could not be read.

    .. code:: python

        "x86_64"
    """

    @override
    def command(self) -> str:
        return "uname -m"

    @override
    def process(self, output: list[str]) -> str | None:
        return output[0].strip() if output else None
