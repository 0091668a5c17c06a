"""A systemd unit as a fact."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import units


class UnitState(FactBase[units.Unit | None]):
    """Return a unit and what it started with; None means that systemd did not answer.

    .. code:: python

        Unit("loaded", "active", "running", "enabled", False, {"/etc/containerd/config.toml": "9f86d0"}, ...)
    """

    @override
    def command(self, unit: str, inputs: Sequence[str]) -> str:
        return units.command(unit, inputs)

    @override
    def process(self, output: list[str]) -> units.Unit | None:
        return units.parse(output)


class UnitAge(FactBase[units.Age | None]):
    """Return when a unit became active and when a file was written; None means that systemd did not answer.

    .. code:: python

        Age(started=1796001894, written=1796001890)
    """

    @override
    def command(self, unit: str, path: str) -> str:
        return units.age_command(unit, path)

    @override
    def process(self, output: list[str]) -> units.Age | None:
        return units.parse_age(output)
