"""Installed files as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import artifacts


class Artifacts(FactBase[artifacts.Installation | None]):
    """Return the files at the destinations and their stamps; None means could not be read.

    .. code:: python

        Installation(
            placed={"/usr/local/bin/kubelet": Placed("regular file", "0755", "root:root", "12 58 2026-...")},
            stamps={"/usr/local/bin/kubelet": Stamp("9f86d0...", "9f86d0...", "12 58 2026-...")},
        )
    """

    @override
    def command(self, dests: Sequence[str]) -> str:
        return artifacts.command(dests)

    @override
    def process(self, output: list[str]) -> artifacts.Installation | None:
        return artifacts.parse(output)
