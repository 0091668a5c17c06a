"""Installed packages as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import packages


class PackageVersions(FactBase[packages.Packages | None]):
    """Return which of the packages are installed and held; None where there is no dpkg.

    .. code:: python

        Packages({"curl": "7.88.1-10+deb12u12"}, frozenset())
    """

    @override
    def command(self, packages_wanted: Sequence[str]) -> str:
        return packages.command(packages_wanted)

    @override
    def process(self, output: list[str]) -> packages.Packages | None:
        return packages.parse("\n".join(output))
