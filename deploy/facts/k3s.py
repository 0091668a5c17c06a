"""k3s on a host as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import k3s


class K3sState(FactBase[k3s.State | None]):
    """Return what a host has of k3s; None means that systemd did not answer.

    .. code:: python

        State(active="active", has_state=True, has_password=True, known=True, edited=False)
    """

    @override
    def command(self, unit: str, node: str) -> str:
        return k3s.command(unit, node)

    @override
    def process(self, output: Sequence[str]) -> k3s.State | None:
        return k3s.parse(output)


class LinkTarget(FactBase[str]):
    """Return where a symbolic link points; empty when there is none.

    .. code:: python

        "/etc/rancher/k3s/k3s.yaml"
    """

    default = str

    @override
    def command(self, path: str) -> str:
        return k3s.link_command(path)

    @override
    def process(self, output: Sequence[str]) -> str:
        return "\n".join(output)
