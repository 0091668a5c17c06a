"""How old pods are, beside what they read at their start."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import kube, rollouts
from deploy.observe.secrets import Where


class PodAges(FactBase[rollouts.Ages]):
    """Return when the selected pods were made, and when the Secrets were last changed.

    .. code:: python

        Ages(Reach.ANSWERS, {"registry-5d": "2026-11-30T08:00:00Z"}, {"registry-tls": "2026-11-30T07:59:58Z"})
    """

    _secrets: Sequence[Where] = ()

    @staticmethod
    @override
    def default() -> rollouts.Ages:
        return rollouts.Ages(kube.Reach.SILENT)

    @override
    def command(self, namespace: str, selector: str, secrets: Sequence[Where]) -> str:
        self._secrets = secrets
        return rollouts.command(namespace, selector, secrets)

    @override
    def process(self, output: list[str]) -> rollouts.Ages:
        return rollouts.parse(self._secrets, output)
