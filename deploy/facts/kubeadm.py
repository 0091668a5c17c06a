"""What kubeadm left on a host, as a fact."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import kubeadm, living, resolver


class KubeadmState(FactBase[kubeadm.State | None]):
    """Return a host's state as kubeadm knows it; None means could not be read.

    .. code:: python

        State("w1", frozenset({"/etc/kubernetes/kubelet.conf"}), Marker("lab", "join"), {...}, Objects(...))
    """

    _node: str

    @override
    def command(self, node: str) -> str:
        self._node = node
        return kubeadm.command(node)

    @override
    def process(self, output: list[str]) -> kubeadm.State | None:
        return kubeadm.parse(self._node, output)


class ResolvConf(FactBase[str | None]):
    """Return the resolv.conf that pods shall inherit; None means could not be read.

    .. code:: python

        "/run/systemd/resolve/resolv.conf"
    """

    @override
    def command(self) -> str:
        return resolver.COMMAND

    @override
    def process(self, output: list[str]) -> str | None:
        return resolver.parse(output)


class LivingVersion(FactBase[str | None]):
    """Return the Kubernetes version that a node lives with, "" where there is none; None means unread.

    .. code:: python

        "v1.36.3"
    """

    @override
    def command(self, node: str) -> str:
        return living.command(node)

    @override
    def process(self, output: list[str]) -> str | None:
        return living.parse(output)
