"""What is one vendor's own: drivers, firmware, libraries."""

from __future__ import annotations

from collections import Counter

from checks.finding import Severity
from checks.preflight.bringing import bringer, driverless, is_operators
from checks.preflight.gpu import NONE_HERE, found, integrated_by_amdgpu, state
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed
from deploy.gpu.wiring import module_of
from deploy.model import Allocation, Vendor
from deploy.observe.cards import Gpu
from deploy.observe.gpu_state import GpuState

KEEP_AMDGPU = (
    "echo blacklist amdgpu > /etc/modprobe.d/blacklist-amdgpu.conf; update-initramfs -u; reboot:"
    " the operator's driver takes no loaded one's place"
)
REMOVE_AMDGPU = "Remove its packages and reboot, or say gpu.amd.driver: host"


def one_intel_driver(case: Case) -> Said:
    """All Intel GPUs use one kernel driver, or those by which a device plugin is to tell models apart."""
    counts = Counter(card.device.driver or "none" for card in found(case) if card.vendor is Vendor.INTEL)
    if not counts:
        return skipped(NONE_HERE)
    said = ", ".join(f"{count}x {driver}" for driver, count in counts.items())
    by_number = [
        gpus for gpus in case.node.gpus_of(Vendor.INTEL) if gpus.allocation is Allocation.DEVICE_PLUGIN
    ]
    modules = sorted({module_of(gpus).value for gpus in by_number})
    wanted = " and ".join(modules) if len(modules) > 1 else "one driver"
    if len(counts) > 1 and sorted(counts) != modules:
        return failed(said, wanted, severity=Severity.WARNING)
    return passed(said, wanted)


def intel_kernel(case: Case) -> Said:
    """The kernel drives the card, and its firmware was loaded."""
    kernel = case.known(case.host.system, "system").kernel_release
    known = [card.card for card in found(case) if card.card and card.card.kernel]
    if not known:
        return skipped("no Intel card whose kernel is known")
    least = max((card.kernel or (0, 0)) for card in known)
    wanted = f"kernel >= {least[0]}.{least[1]}, no firmware errors"
    said = f"kernel {kernel[0]}.{kernel[1]}"
    if kernel < least:
        return failed(f"{said} for {listed(sorted({card.model for card in known}))}", wanted)
    errors = [line for line in state(case).log if any(word in line.lower() for word in ("guc", "huc", "dmc"))]
    if errors:
        return failed(f"{said}; {errors[-1][:120]}", wanted)
    return passed(said, wanted)


def kfd(case: Case) -> Said:
    """/dev/kfd is there, and counts the GPUs of the bus and a processor's own that amdgpu drives.

    One short may mean that card or the other: a board without PCIe atomics keeps cards out of KFD.
    """
    seen = state(case)
    cards = [card for card in found(case) if card.vendor is Vendor.AMD]
    if not cards:
        return skipped(NONE_HERE)
    own = integrated_by_amdgpu(case)
    wanted = f"/dev/kfd with {len(cards) + own} GPUs{f', {own} of them integrated' if own else ''}"
    if "kfd" not in seen.nodes:
        return failed("no /dev/kfd", wanted, mended_by=bringer(case, cards))
    if seen.kfd != len(cards) + own:
        explained = own and seen.kfd == len(cards)
        return failed(
            f"/dev/kfd with {seen.kfd} GPUs",
            wanted,
            severity=Severity.WARNING if explained else None,
            mended_by=bringer(case, cards),
        )
    return passed(f"/dev/kfd with {seen.kfd} GPUs", wanted)


def amdgpu(case: Case) -> Said:
    """The in-tree driver is not kept from loading; where the operator brings another, it is."""
    seen = state(case)
    if is_operators(case, Vendor.AMD):
        return _operators_amdgpu(case, seen)
    if "amdgpu" in seen.blacklisted:
        return failed("amdgpu is blacklisted", "loaded, no blacklist")
    if "amdgpu" not in seen.loaded:
        cards = [card for card in found(case) if card.vendor is Vendor.AMD]
        return failed(
            "amdgpu is not loaded",
            "loaded, no blacklist",
            remedy="modprobe amdgpu; dmesg | grep amdgpu",
            mended_by=bringer(case, cards),
        )
    return passed("amdgpu is loaded", "loaded, no blacklist")


def _operators_amdgpu(case: Case, seen: GpuState) -> Said:
    """The operator loads a driver that it has built, and takes none away (ROCm/gpu-operator kmmmodule.go)."""
    wanted = "the operator's alone"
    if any(module.name == "amdgpu" and module.dkms for module in seen.modules):
        return failed("an amdgpu that was built on the host", wanted, remedy=REMOVE_AMDGPU)
    if seen.loaded.get("amdgpu") == "":
        return failed("the kernel's amdgpu is loaded", wanted, remedy=KEEP_AMDGPU)
    if "amdgpu" in seen.loaded:
        return passed("the operator's amdgpu is loaded", wanted)
    return driverless(case, Vendor.AMD) or passed("no amdgpu yet", wanted)


def nvidia_versions(case: Case) -> Said:
    """Module in use, module on disk and libraries are of one version."""
    seen = state(case)
    running = case.known(case.host.kernels, "kernels").running
    wanted = "one version"
    loaded = seen.loaded.get("nvidia")
    if not loaded:
        said = "is not loaded" if loaded is None else "says no version"
        brings = bringer(case, _nvidia(case))
        remedy = "Install the driver, then reboot"
        return failed(f"the nvidia module {said}", wanted, remedy=remedy, mended_by=brings)
    on_disk = {each.version for each in seen.modules if each.name == "nvidia" and each.kernel == running}
    libraries = {version.partition("-")[0] for version in seen.libraries.values()}
    versions = {"loaded": {loaded}, "on disk": on_disk, "libraries": libraries}
    said = ", ".join(f"{name} {listed(sorted(found_))}" for name, found_ in versions.items() if found_)
    return passed(said, wanted) if len(set().union(*versions.values())) == 1 else failed(said, wanted)


def _nvidia(case: Case) -> list[Gpu]:
    return [card for card in found(case) if card.vendor is Vendor.NVIDIA]


def nvidia_source(case: Case) -> Said:
    """The driver is the host's own or the operator's: the operator's is never installed on the host."""
    seen, wanted = state(case), "one driver"
    modules = sorted({f"a module for {each.kernel}" for each in seen.modules if each.name == "nvidia"})
    own = [*modules, *sorted(seen.libraries)]
    if is_operators(case, Vendor.NVIDIA):
        if own:
            return failed(f"{listed(own)} on the host, and gpu.nvidia.driver: operator", wanted)
        if "nvidia" in seen.loaded:
            return passed("the operator's driver", wanted)
        return driverless(case, Vendor.NVIDIA) or passed("no driver yet", wanted)
    return passed("the host's driver" if own or "nvidia" in seen.loaded else "no driver yet", wanted)


JUDGES: dict[str, HostJudge] = {
    "INT-01": one_intel_driver,
    "INT-02": intel_kernel,
    "AMD-01": kfd,
    "AMD-02": amdgpu,
    "NV-01": nvidia_versions,
    "NV-03": nvidia_source,
}
