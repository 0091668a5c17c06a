"""Whether Secure Boot lets the modules of GPUs in: those that are there, and those that are to come."""

from __future__ import annotations

from checks.finding import Severity, Status
from checks.preflight.bringing import is_operators
from checks.preflight.gpu import NONE_HERE, found, state
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed
from deploy.model import DriverSource, Vendor
from deploy.observe.cards import DRIVERS
from deploy.observe.gpu_state import GpuState

WANTED = "off, or modules that it trusts"
KEY = "one that DKMS builds is let in once its key is enrolled"


def secure_boot(case: Case) -> Said:
    """Secure Boot is off, or the modules are the distribution's own, or they were let in."""
    seen = state(case)
    if any("key was rejected" in line.lower() for line in seen.log):
        return failed("the kernel rejected a module's key", WANTED)
    if not seen.secure_boot:
        return passed(
            "off" if seen.secure_boot is False else "this machine boots without Secure Boot", WANTED
        )
    said = [_of(case, seen, vendor) for vendor in sorted({card.vendor for card in found(case)})]
    bad = [each for each in said if each.status is Status.FAIL]
    if bad:
        return min(bad, key=lambda each: each.severity is Severity.WARNING)
    return passed(listed([each.found for each in said]), WANTED) if said else skipped(NONE_HERE)


def _of(case: Case, seen: GpuState, vendor: Vendor) -> Said:
    """Say what Secure Boot makes of one vendor's modules."""
    there = [module for module in seen.modules if module.name in DRIVERS[vendor]]
    loaded = {name: seen.loaded[name] for name in DRIVERS[vendor] if name in seen.loaded}
    if is_operators(case, vendor):
        return _operators(vendor, loaded)
    built = [module for module in there if module.dkms]
    # a module of the kernel's tree has no version: where one runs, it is not the one that was built here
    runs = [each for each in built if each.name in loaded and bool(loaded[each.name]) >= bool(each.version)]
    if built and not runs:
        names = listed(sorted({each.name for each in built}))
        return failed(f"on, and {names} was built here by DKMS and is not loaded", WANTED)
    if (loaded or there) and (built or not _will_be_built(case, vendor)):
        names = listed(sorted(loaded or {each.name for each in there}))
        return passed(f"on; {'let in' if loaded else 'signed by the distribution'}: {names}", WANTED)
    text = f"on, and the module that drives GPUs of {vendor} is yet to come"
    return failed(text, WANTED, detail=KEY, severity=Severity.WARNING)


def _operators(vendor: Vendor, loaded: dict[str, str]) -> Said:
    """Judge a module that a container builds and nobody signs (NVIDIA/gpu-operator#1142, #1726).

    AMD's may come signed in images of one's own; who has these ignores this (ROCm/gpu-operator
    docs/drivers/secure-boot.md).
    """
    if own := sorted(name for name, version in loaded.items() if version):
        return passed(f"on; let in: {listed(own)}", WANTED)
    remedy = f"Turn Secure Boot off, or say gpu.{vendor}.driver: packages and have them signed"
    return failed(f"on, and what {vendor}'s operator builds is signed by nobody", WANTED, remedy=remedy)


def _will_be_built(case: Case, vendor: Vendor) -> bool:
    """Say whether packages that build a module on the host are to come; DKMS' say so by their names."""
    stack = case.cluster.gpu.stack(vendor)
    mine = vendor in case.node.gpu_vendors and stack.driver is DriverSource.PACKAGES
    return mine and any("dkms" in name for name in stack.packages)


JUDGES: dict[str, HostJudge] = {"GPU-06": secure_boot}
