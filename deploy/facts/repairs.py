"""What the fixes of a preflight compare before they act."""

from __future__ import annotations

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import package_state


class PackageCondition(FactBase[package_state.PackageState | None]):
    """Return what is half installed, held and precious; None means could not be read.

    .. code:: python

        PackageState("apt", (), (), {"containerd.io": "2.1.0-1"}, (), ())
    """

    @override
    def command(self) -> str:
        return package_state.COMMAND

    @override
    def process(self, output: list[str]) -> package_state.PackageState | None:
        return package_state.parse("\n".join(output))


class MachineId(FactBase[str | None]):
    """Return the host's machine-id; None means that it has none.

    .. code:: python

        "3d1219c7c4c5404aaa1f6d2a48adfda4"
    """

    @override
    def command(self) -> str:
        return "cat /etc/machine-id 2>/dev/null; echo end"

    @override
    def process(self, output: list[str]) -> str | None:
        return output[0].strip() if len(output) > 1 and output[0].strip() else None
