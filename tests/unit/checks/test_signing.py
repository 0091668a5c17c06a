"""With Secure Boot on, only modules that were let in, or that the distribution signed, pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from checks.collect.observed import Observed
from checks.finding import Finding, Severity, Status
from checks.preflight import preflight
from tests.unit.checks.faults import hopper, instinct, within
from tests.unit.checks.machines import KERNEL, Module, healthy, with_arcs
from tests.unit.checks.test_driver_sources import (
    AMD_OPERATOR,
    H100,
    MI300X,
    NVIDIA_OPERATOR,
    PACKAGES,
    bare,
    inventory,
)

A770 = {"vendor": "intel", "model": "A770", "count": 2}
DKMS = {"driver": "packages", "packages": ["amdgpu-dkms"]}
TO_COME = "on, and the module that drives GPUs of {} is yet to come"
BUILT = "on, and amdgpu was built here by DKMS and is not loaded"


def judged(host: Observed, gpus: dict[str, Any], stacks: dict[str, Any], **seen: Any) -> Finding:
    """Return what is said of Secure Boot, where it is on."""
    secured = within("gpu_state", secure_boot=True, **seen)(replace(host, host="w1"))
    hosts = (healthy("cp1", "192.168.1.10", 3), secured)
    found = preflight(inventory(gpus, stacks), hosts)
    return next(each for each in found if (each.check, each.host) == ("GPU-06", "w1"))


def amdgpu(*, dkms: bool, version: str) -> tuple[Module, ...]:
    return (Module(KERNEL, "amdgpu", dkms=dkms, version=version),)


@pytest.mark.parametrize(
    ("host", "gpus", "stacks", "seen", "text"),
    [
        (with_arcs(), A770, {}, {}, "on; let in: i915, xe"),
        (with_arcs(), A770, {}, {"loaded": {}}, "on; signed by the distribution: i915, xe"),
        (hopper(healthy()), H100, {}, {}, "on; let in: nvidia"),
        (hopper(healthy()), H100, {"nvidia": PACKAGES}, {}, "on; let in: nvidia"),
        (hopper(healthy()), H100, NVIDIA_OPERATOR, {"modules": ()}, "on; let in: nvidia"),
        (instinct(healthy()), MI300X, {"amd": PACKAGES}, {}, "on; let in: amdgpu"),
        (
            instinct(healthy()),
            MI300X,
            {"amd": DKMS},
            {"modules": amdgpu(dkms=True, version="6.14.14"), "loaded": {"amdgpu": "6.14.14"}},
            "on; let in: amdgpu",
        ),
    ],
)  # fmt: skip
def test_what_was_let_in_or_is_signed_passes(
    host: Observed, gpus: dict[str, Any], stacks: dict[str, Any], seen: dict[str, Any], text: str
) -> None:
    found = judged(host, gpus, stacks, **seen)

    assert (found.status, found.found) == (Status.PASS, text)


@pytest.mark.parametrize(
    ("host", "gpus", "stacks"),
    [(hopper, H100, {"nvidia": PACKAGES}), (hopper, H100, {}), (instinct, MI300X, {"amd": DKMS})],
)
def test_a_module_that_is_yet_to_come_is_no_pass(
    host: Callable[[Observed], Observed], gpus: dict[str, Any], stacks: dict[str, Any]
) -> None:
    there = amdgpu(dkms=False, version="") if host is instinct else ()

    found = judged(bare(host(healthy())), gpus, stacks, modules=there)

    assert (found.status, found.severity) == (Status.FAIL, Severity.WARNING)
    assert found.found == TO_COME.format(gpus["vendor"])
    assert found.detail == "one that DKMS builds is let in once its key is enrolled"


@pytest.mark.parametrize(
    ("host", "gpus", "stacks"), [(hopper, H100, NVIDIA_OPERATOR), (instinct, MI300X, AMD_OPERATOR)]
)
def test_what_an_operator_builds_is_refused(
    host: Callable[[Observed], Observed], gpus: dict[str, Any], stacks: dict[str, Any]
) -> None:
    vendor, tree = gpus["vendor"], amdgpu(dkms=False, version="")

    found = judged(bare(host(healthy())), gpus, stacks, modules=tree, loaded={"amdgpu": ""})

    assert (found.status, found.severity) == (Status.FAIL, Severity.ERROR)
    assert found.found == f"on, and what {vendor}'s operator builds is signed by nobody"
    assert found.remedy == (
        f"Turn Secure Boot off, or say gpu.{vendor}.driver: packages and have them signed"
    )


def test_the_kernels_module_does_not_speak_for_the_one_that_was_built() -> None:
    found = judged(instinct(healthy()), MI300X, {"amd": DKMS}, modules=amdgpu(dkms=True, version="6.14.14"))

    assert (found.status, found.severity, found.found) == (Status.FAIL, Severity.ERROR, BUILT)


def test_a_newer_module_that_waits_for_its_reboot_is_not_one_that_was_refused() -> None:
    newer = (Module(KERNEL, "nvidia", dkms=True, version="595.99.01"),)

    assert judged(hopper(healthy()), H100, {"nvidia": PACKAGES}, modules=newer).status is Status.PASS


def test_of_two_modules_that_were_built_the_one_that_runs_was_let_in() -> None:
    both = tuple(Module(KERNEL, name, dkms=True, version="1.25.3") for name in ("i915", "xe"))

    one = judged(with_arcs(), A770, {}, modules=both, loaded={"i915": "1.25.3"})
    none = judged(with_arcs(), A770, {}, modules=both, loaded={"i915": ""})

    assert (one.status, one.found) == (Status.PASS, "on; let in: i915")
    assert none.found == "on, and i915, xe was built here by DKMS and is not loaded"
