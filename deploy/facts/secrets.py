"""Secrets of the cluster as facts, without their values."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import authority, kube, secrets


class Digested(FactBase[secrets.Secrets]):
    """Return which of the Secrets are there, each value by its sha256.

    .. code:: python

        Secrets(Reach.ANSWERS, {Where("slipway-system", "x"): Found("Opaque", {"key": "e3b0c442..."})})
    """

    @staticmethod
    @override
    def default() -> secrets.Secrets:
        return secrets.Secrets(kube.Reach.SILENT)

    @override
    def command(self, wanted: Sequence[secrets.Where]) -> str:
        return secrets.command(wanted)

    @override
    def process(self, output: list[str]) -> secrets.Secrets:
        return secrets.parse(output)


class Certificate(FactBase[authority.Certified]):
    """Return the certificate of a Secret of TLS, and the cluster's CA.

    .. code:: python

        Certified(Reach.ANSWERS, certificate=<Certificate ...>, authority=<Certificate ...>)
    """

    @staticmethod
    @override
    def default() -> authority.Certified:
        return authority.Certified(kube.Reach.SILENT)

    @override
    def command(self, where: secrets.Where) -> str:
        return authority.command(where)

    @override
    def process(self, output: list[str]) -> authority.Certified:
        return authority.parse(output)
