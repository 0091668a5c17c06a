"""What running containers show as facts."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import inside


class Inside(FactBase[inside.Seen]):
    """Return the names that a script prints inside of a container.

    .. code:: python

        Seen(frozenset({"models", "registry"}))
    """

    @staticmethod
    @override
    def default() -> inside.Seen:
        return inside.parse([])

    @override
    def command(self, look: inside.Look) -> str:
        return inside.command(look)

    @override
    def process(self, output: Sequence[str]) -> inside.Seen:
        return inside.parse(output)
