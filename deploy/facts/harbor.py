"""Harbor's accounts as facts; asked on a control plane, over the Service's address."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import harbor, kube


class HarborAccounts(FactBase[harbor.Accounts]):
    """Return the projects, the robot account, and whether its password is taken.

    .. code:: python

        Accounts(Reach.ANSWERS, {"models": 200}, {"id": 2, "name": "robot$slipway", ...}, login=200)
    """

    @staticmethod
    @override
    def default() -> harbor.Accounts:
        return harbor.Accounts(kube.Reach.SILENT)

    @override
    def command(self, door: harbor.Door, projects: Sequence[str]) -> str:
        return harbor.command(door, projects)

    @override
    def process(self, output: list[str]) -> harbor.Accounts:
        return harbor.parse(output)
