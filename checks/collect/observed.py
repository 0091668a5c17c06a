"""One host as it was seen: what each reader found, None where it could not be read, and why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TypeVar

from checks.collect.script import Answer
from deploy.observe import (
    cgroup,
    clock,
    confinement,
    disks,
    firewall,
    gpu_state,
    kernels,
    listeners,
    modules,
    names,
    network,
    package_state,
    pci,
    reach,
    remains,
    runtime,
    security,
    swap,
    sysctl,
    system,
)

T = TypeVar("T")
NOT_ASKED = "it was not asked for"
# what a user reads of these is less than all, and looks like all
ROOTS = frozenset({"firewall", "remains", "runtime", "gpu_state"})
NOT_ROOT = "only root may read it"


@dataclass(frozen=True, slots=True)
class Window:
    """When a host was read by the controller's clock, in seconds since 1970."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a host could not be read; `answers` says that it did answer, and only gave no root."""

    text: str
    answers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A host. `causes` says by field why it is None; `trouble` why the host could not be read at all.

    Only probes fill the last ones: `fsync` in milliseconds; `mesh` by peer what got through (tcp, udp, and
    mtu for a packet of full size); `arp` the addresses of the load balancer's pool that answered; `speed`
    in MB/s from the mirror.
    """

    host: str
    window: Window = Window(0, 0)
    trouble: Trouble | None = None
    causes: Mapping[str, str] = field(default_factory=dict)
    system: system.System | None = None
    clock: clock.Clock | None = None
    swap: swap.Swap | None = None
    sysctls: sysctl.Sysctls | None = None
    cgroup: cgroup.Cgroup | None = None
    confinement: confinement.Confinement | None = None
    modules: modules.Modules | None = None
    kernels: kernels.Kernels | None = None
    network: network.Network | None = None
    names: names.Names | None = None
    listeners: tuple[listeners.Listener, ...] | None = None
    disks: disks.Disks | None = None
    firewall: firewall.Firewall | None = None
    packages: package_state.PackageState | None = None
    security: security.Security | None = None
    remains: remains.Remains | None = None
    runtime: runtime.Runtime | None = None
    pci: pci.Bus | None = None
    gpu_state: gpu_state.GpuState | None = None
    reach: reach.Reach | None = None
    active: bool = False
    fsync: tuple[float, ...] | None = None
    mesh: Mapping[str, Mapping[str, bool]] | None = None
    arp: Mapping[IPv4Address, str] | None = None
    speed: float | None = None

    def cause(self, name: str) -> str:
        """Say why a field is None."""
        return self.causes.get(name, NOT_ASKED if self.trouble is None else "the host could not be read")


@dataclass(slots=True)
class _Reader:
    """Parses the answers, and notes why one could not be."""

    answers: Mapping[str, Answer]
    barred: frozenset[str] = frozenset()
    causes: dict[str, str] = field(default_factory=dict)

    def read(self, name: str, parse: Callable[[str], T | None]) -> T | None:
        if name in self.barred:
            self.causes[name] = NOT_ROOT
            return None
        answer = self.answers.get(name)
        if answer is None:
            self.causes[name] = "the script ended before it"
            return None
        if answer.failure is not None:
            self.causes[name] = answer.failure
            return None
        try:
            found = parse(answer.text)
        except ValueError as error:
            self.causes[name] = f"not what was asked for: {error}"
            return None
        if found is None:
            self.causes[name] = "not what was asked for"
        return found


def observed(
    host: str, answers: Mapping[str, Answer], window: Window, trouble: Trouble | None = None
) -> Observed:
    """Parse what a host answered, as root or as a user."""
    reader = _Reader(answers)
    read = reader.read
    here = read("system", system.parse)
    if here and here.uid != 0:
        reader.barred = ROOTS
    return Observed(
        host=host,
        window=window,
        trouble=trouble,
        system=here,
        clock=read("clock", clock.parse),
        swap=read("swap", swap.parse),
        sysctls=read("sysctls", sysctl.parse),
        cgroup=read("cgroup", cgroup.parse),
        confinement=read("confinement", confinement.parse),
        modules=read("modules", modules.parse),
        kernels=read("kernels", kernels.parse),
        network=read("network", network.parse),
        names=read("names", names.parse),
        listeners=read("listeners", listeners.parse),
        disks=read("disks", disks.parse),
        firewall=read("firewall", firewall.parse),
        packages=read("packages", package_state.parse),
        security=read("security", security.parse),
        remains=read("remains", remains.parse),
        runtime=read("runtime", runtime.parse),
        pci=read("pci", pci.parse),
        gpu_state=read("gpu_state", gpu_state.parse),
        reach=read("reach", reach.parse) if "reach" in answers else None,
        causes=reader.causes,
    )
