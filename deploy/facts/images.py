"""Images as a fact."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import images


class Images(FactBase[dict[str, str] | None]):
    """Return the digests of a host's images by reference; None means that containerd does not run.

    .. code:: python

        {"registry.k8s.io/pause:3.10.2": "sha256:278f..."}
    """

    @override
    def command(self) -> str:
        return images.COMMAND

    @override
    def process(self, output: list[str]) -> dict[str, str] | None:
        return images.parse(output)
