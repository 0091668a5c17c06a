"""What the kernel can do and how it is set, as facts."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import modules, sysctl


class KernelModules(FactBase[modules.Modules | None]):
    """Return what each module is; None means could not be read.

    .. code:: python

        Modules("6.1.0-31-amd64", False, {"overlay": Presence.WORKS, "br_netfilter": Presence.LOADABLE})
    """

    @override
    def command(self, modules_wanted: Sequence[str]) -> str:
        return modules.command(modules_wanted)

    @override
    def process(self, output: list[str]) -> modules.Modules | None:
        return modules.parse("\n".join(output))


class Sysctls(FactBase[sysctl.Sysctls | None]):
    """Return the live parameters and what all sysctl.d files say; None means could not be read.

    .. code:: python

        Sysctls({"vm.panic_on_oom": Parameter("0", True)}, (Assignment("/etc/sysctl.d/a.conf", "vm.x", "1"),))
    """

    @override
    def command(self, keys: Sequence[str]) -> str:
        return sysctl.command(keys)

    @override
    def process(self, output: list[str]) -> sysctl.Sysctls | None:
        return sysctl.parse("\n".join(output))
