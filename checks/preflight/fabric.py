"""Whether what makes one machine of GPUs behind NVSwitches runs: without it every CUDA program ends."""

from __future__ import annotations

from checks.finding import Severity
from checks.preflight.bringing import is_operators
from checks.preflight.gpu import state
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from deploy.model import Vendor

PACKAGE = "nvidia-fabricmanager"


def managed(case: Case) -> Said:
    """Fabric Manager is active and of the module's version, which it insists on."""
    fabric, module = state(case).fabric, state(case).loaded.get("nvidia")
    if is_operators(case, Vendor.NVIDIA):
        return skipped("the operator's driver brings its own")
    if fabric is None:
        return skipped("no NVSwitch on the bus")
    switches = f"{fabric.switches} NVSwitches"
    wanted = f"Fabric Manager {module or 'of the version of the nvidia module'}, active"
    if not fabric.version:
        named = any(name.startswith(PACKAGE) for name in case.cluster.gpu.nvidia.packages)
        return failed(
            f"{switches}, no Fabric Manager",
            wanted,
            detail="gpu.nvidia.packages brings it" if named else "",
            severity=Severity.WARNING if named else None,
        )
    if fabric.state != "active":
        return failed(
            f"{switches}, Fabric Manager {fabric.version} is {fabric.state or 'no service'}", wanted
        )
    if fabric.version != module:
        runs = f"nvidia {module}" if module else "no nvidia module"
        return failed(f"{switches}, Fabric Manager {fabric.version} and {runs}", wanted)
    return passed(f"{switches}, Fabric Manager {fabric.version}", wanted)


JUDGES: dict[str, HostJudge] = {"NV-06": managed}
