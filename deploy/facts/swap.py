"""Swap as a fact."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import swap


class SwapState(FactBase[swap.Swap | None]):
    """Return what is swapped to and what would bring it back; None means could not be read.

    .. code:: python

        Swap(("/swap.img",), "/swap.img none swap sw 0 0", {"swap.img.swap": "generated"}, None)
    """

    @override
    def command(self) -> str:
        return swap.COMMAND

    @override
    def process(self, output: list[str]) -> swap.Swap | None:
        return swap.parse("\n".join(output))
