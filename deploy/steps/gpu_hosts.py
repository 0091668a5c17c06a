"""A host with GPUs, before Kubernetes gives them away: driver, device nodes' groups, CDI, quiet upgrades."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pyinfra.api import deploy

from deploy import context, render
from deploy.gpu.wiring import module_of
from deploy.model import DriverSource, Gpus, Stack, Vendor
from deploy.operations import files, folders, gpus, groups, kernel, packages
from deploy.operations.files import File

MODULES = "/etc/modules-load.d/slipway-gpu.conf"
SYSCTLS = "/etc/sysctl.d/91-slipway-gpu.conf"
UPGRADES = "/etc/apt/apt.conf.d/53slipway-gpu"
NOUVEAU = "/etc/modprobe.d/slipway-nouveau.conf"
CDI = "/etc/tmpfiles.d/slipway-cdi.conf"
CDI_FOLDERS = ("/etc/cdi", "/run/cdi")
# who may open /dev/dri/renderD* and /dev/kfd; udev gives the nodes to these
GROUPS = ("render", "video")
# what of a driver an upgrade at night must not touch beside what the baseline keeps, by Ubuntu's names and by
# Debian's: regular expressions
DRIVERS = {
    Vendor.INTEL: ("^linux-firmware", "^firmware-(misc-nonfree|intel-graphics)$", "^intel-fw-"),
    Vendor.AMD: ("^linux-firmware", "^firmware-amd-graphics$", "^rocm"),
    Vendor.NVIDIA: ("^linux-objects-nvidia-", "^libcuda1$", "^firmware-nvidia-"),
}
# ROCm/gpu-operator docs/knownlimitations.md: its device plugin ends where the queue is shorter
INOTIFY = {"fs.inotify.max_queued_events": 16384}
# AMD's tuning guide for Instinct: balancing moves pages under the cards' feet
QUIET = {"kernel.numa_balancing": 0}


@deploy("GPU hosts")
def gpu_hosts() -> None:
    """Prepare the host for the GPUs that it is declared to have."""
    cluster, declared = context.cluster(), context.node().gpus
    if not declared:
        return
    stacks = {vendor: cluster.gpu.stack(vendor) for vendor in context.node().gpu_vendors}
    _driver(declared, stacks)
    groups.present(name="Have the groups of device nodes", names=GROUPS)
    files.present(name="Keep the folders of CDI", files=[File(CDI, render.file("gpu/cdi.conf"))])
    folders.present(name="Make the folders of CDI", paths=CDI_FOLDERS)
    files.present(name="Keep the driver from upgrades at night", files=[File(UPGRADES, upgrades(stacks))])
    if Vendor.AMD in stacks:
        _instinct(context.node().gpus_of(Vendor.AMD))


def upgrades(stacks: Mapping[Vendor, Stack]) -> bytes:
    """Return what unattended-upgrades must leave alone."""
    known = (pattern for vendor in stacks for pattern in DRIVERS[vendor])
    own = (f"^{re.escape(package)}$" for stack in stacks.values() for package in stack.packages)
    return render.template("gpu/unattended-upgrades.j2", patterns=list(dict.fromkeys((*known, *own))))


def modules(declared: Sequence[Gpus], stacks: Mapping[Vendor, Stack]) -> list[str]:
    """Return the kernel's modules that a host loads: all but those that a vendor's operator brings."""
    mine = (gpus for gpus in declared if stacks[gpus.vendor].driver is not DriverSource.OPERATOR)
    return list(dict.fromkeys(module_of(gpus).value for gpus in mine))


def _driver(declared: Sequence[Gpus], stacks: Mapping[Vendor, Stack]) -> None:
    """Have the kernel's modules, and what brings them."""
    if brought := list(dict.fromkeys(name for stack in stacks.values() for name in stack.packages)):
        packages.installed(name="Install the driver", names=brought)
        packages.held(name="Hold the driver", names=brought)
    if Vendor.NVIDIA in stacks:
        keep_nouveau_away()
        kernel.made_way(name="Take the cards from nouveau", old="nouveau", new="nvidia")
    if mine := modules(declared, stacks):
        kernel.modules_loaded(name="Load the driver", names=mine, path=MODULES, packages=brought)


def keep_nouveau_away() -> None:
    """Leave NVIDIA's cards to NVIDIA's driver."""
    kernel.modprobe_configured(name="Keep nouveau away", file=File(NOUVEAU, render.file("gpu/nouveau.conf")))


def _instinct(declared: Sequence[Gpus]) -> None:
    balanced = QUIET if any(gpus.model.startswith("MI") for gpus in declared) else {}
    gpus.tuned(name="Tune the kernel for AMD's GPUs", values=balanced, at_least=INOTIFY, path=SYSCTLS)
