"""A driver that an apply is to bring is not missed before; one that would be in its way is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.catalogue import Phase
from checks.collect.observed import Observed
from checks.finding import Finding, Severity, Status
from checks.preflight import preflight
from checks.preflight.preflight import stops
from deploy.model import Cluster
from deploy.observe.pci import Bus
from tests.unit.checks.faults import hgx, hopper, instinct
from tests.unit.checks.machines import GPULESS, KERNEL, Module, cluster, healthy

H100 = {"vendor": "nvidia", "model": "H100", "count": 1}
MI300X = {"vendor": "amd", "model": "MI300X", "count": 1, "allocation": "device-plugin"}
DRIVER = ["GPU-02", "GPU-03", "GPU-07", "NV-01", "NV-03", "AMD-01", "AMD-02"]
PACKAGES = {"driver": "packages", "packages": ["driver"]}
NVIDIA_OPERATOR = {"nvidia": {"driver": "operator"}}
AMD_OPERATOR = {"amd": {"driver": "operator", "driver_image": "harbor.home.lan/amd/driver"}}


def inventory(gpus: dict[str, Any], stacks: dict[str, Any]) -> Cluster:
    plain = cluster().model_dump(mode="json")
    plain["nodes"] = plain["nodes"][:2]
    plain["nodes"][1]["gpus"] = gpus
    return Cluster.model_validate({**plain, "gpu": stacks})


def bare(host: Observed, driver: str | None = None) -> Observed:
    """Return a host with GPUs that nothing was installed for."""
    assert host.pci is not None
    [card] = host.pci.devices
    fresh = replace(card, driver=driver, nodes={})
    return replace(host, pci=Bus(True, (fresh,)), gpu_state=replace(GPULESS, present=True, kfd=0))


def on(host: Observed, name: str, version: str) -> Observed:
    """Return a host with another distribution."""
    assert host.system is not None
    said = f"{name} {version}"
    return replace(host, system=replace(host.system, os=name.lower(), os_version=version, os_name=said))


def ubuntu() -> Observed:
    """Return a host with a system that operators have drivers for."""
    return on(healthy(), "Ubuntu", "24.04")


def said(host: Observed, gpus: dict[str, Any], stacks: dict[str, Any]) -> dict[str, Finding]:
    """Return what is said of the driver, by check; nothing of it was left unread."""
    hosts = (healthy("cp1", "192.168.1.10", 3), host)
    found = preflight(inventory(gpus, stacks), hosts, phase=Phase.PREFLIGHT)
    return {each.check: each for each in found if each.host == "w1" and each.check in DRIVER}


def failing(found: dict[str, Finding]) -> dict[str, tuple[Severity, str]]:
    return {id_: (each.severity, each.detail) for id_, each in found.items() if each.status is Status.FAIL}


@pytest.mark.parametrize(
    ("host", "gpus", "stacks", "wanted"),
    [
        (hopper, H100, {"nvidia": PACKAGES}, {"GPU-02", "GPU-03", "GPU-07", "NV-01"}),
        (hopper, H100, NVIDIA_OPERATOR, {"GPU-02", "GPU-03", "NV-01"}),
        (instinct, MI300X, {"amd": PACKAGES}, {"GPU-02", "GPU-03", "GPU-07", "AMD-01", "AMD-02"}),
        (instinct, MI300X, AMD_OPERATOR, {"GPU-02", "GPU-03", "AMD-01"}),
    ],
)
def test_a_driver_that_an_apply_brings_stops_none(
    host: Any, gpus: dict[str, Any], stacks: dict[str, Any], wanted: set[str]
) -> None:
    brings = "gpu-hosts" if PACKAGES in stacks.values() else f"gpu-{gpus['vendor']}"

    found = said(bare(host(ubuntu())), gpus, stacks)

    assert failing(found) == dict.fromkeys(wanted, (Severity.WARNING, f"will be set by {brings}"))
    assert stops(found.values()) == []


@pytest.mark.parametrize(("host", "gpus"), [(hopper, H100), (instinct, MI300X)])
def test_a_driver_that_nobody_brings_stops_an_apply(host: Any, gpus: dict[str, Any]) -> None:
    found = said(bare(host(ubuntu())), gpus, {})

    assert {"GPU-02", "GPU-03", "GPU-07"} < {each.check for each in stops(found.values())}


@pytest.mark.parametrize(
    ("stack", "brings"), [(PACKAGES, "gpu-hosts"), (NVIDIA_OPERATOR["nvidia"], "gpu-nvidia")]
)
def test_a_card_that_nouveau_holds_waits_for_a_reboot(stack: dict[str, Any], brings: str) -> None:
    found = said(bare(hopper(ubuntu()), "nouveau"), H100, {"nvidia": stack})

    gives = f"will be set by {brings} with a reboot, which `apply --reboot` gives"
    assert set(failing(found).values()) == {(Severity.WARNING, gives)}
    assert {each.remedy for each in found.values()} == {""}
    assert stops(found.values()) == []


@pytest.mark.parametrize(("driver", "stacks"), [("nouveau", {}), ("vfio-pci", {"nvidia": PACKAGES})])
def test_a_card_that_no_apply_takes_away_from_another_driver_stops_it(
    driver: str, stacks: dict[str, Any]
) -> None:
    found = said(bare(hopper(ubuntu()), driver), H100, stacks)

    assert {"GPU-02", "NV-01"} < {each.check for each in stops(found.values())}


def test_an_operators_module_is_not_looked_for_on_the_host() -> None:
    host = hopper(ubuntu())
    seen = replace(host.gpu_state, modules=(), libraries={})  # type: ignore[type-var]

    found = said(replace(host, gpu_state=seen), H100, NVIDIA_OPERATOR)

    assert {id_: each.found for id_, each in found.items()} == {
        "GPU-02": "1x nvidia",
        "GPU-03": "1 of 1",
        "GPU-07": "the operator brings the module",
        "NV-01": "loaded 595.91.07",
        "NV-03": "the operator's driver",
    }


def test_nvidias_driver_on_the_host_and_the_operators_are_one_too_many() -> None:
    found = said(hopper(ubuntu()), H100, NVIDIA_OPERATOR)["NV-03"]

    assert (found.status, found.severity) == (Status.FAIL, Severity.ERROR)
    assert found.found == (
        f"a module for {KERNEL}, libnvidia-compute-595 on the host, and gpu.nvidia.driver: operator"
    )


@pytest.mark.parametrize(
    ("loaded", "dkms", "blacklisted", "status", "text"),
    [
        ({}, False, True, Status.PASS, "no amdgpu yet"),
        ({"amdgpu": "6.16.6"}, False, True, Status.PASS, "the operator's amdgpu is loaded"),
        ({"amdgpu": ""}, False, True, Status.FAIL, "the kernel's amdgpu is loaded"),
        ({}, True, False, Status.FAIL, "an amdgpu that was built on the host"),
    ],
)
def test_the_kernels_amdgpu_makes_room_for_the_operators(
    loaded: dict[str, str], dkms: bool, blacklisted: bool, status: Status, text: str
) -> None:
    host = instinct(ubuntu())
    seen = replace(
        host.gpu_state,  # type: ignore[type-var]
        loaded=loaded,
        modules=(Module(KERNEL, "amdgpu", dkms=dkms, version=""),),
        blacklisted=frozenset({"amdgpu"} if blacklisted else ()),
    )

    found = said(replace(host, gpu_state=seen), MI300X, AMD_OPERATOR)["AMD-02"]

    assert (found.status, found.found) == (status, text)


@pytest.mark.parametrize(
    ("host", "gpus", "stacks", "check"),
    [(hopper, H100, NVIDIA_OPERATOR, "NV-03"), (instinct, MI300X, AMD_OPERATOR, "AMD-02")],
)
@pytest.mark.parametrize(
    ("name", "version", "there"),
    [("Ubuntu", "22.04", True), ("Ubuntu", "26.04", False), ("Debian", "12", False), ("Debian", "13", False)],
)
def test_an_operator_brings_a_driver_to_the_systems_that_it_has_one_for(
    host: Any, gpus: dict[str, Any], stacks: dict[str, Any], check: str, name: str, version: str, there: bool
) -> None:
    vendor = gpus["vendor"]

    stopping = stops(said(on(bare(host(ubuntu())), name, version), gpus, stacks).values())

    assert [(each.check, each.found, each.wanted, each.remedy) for each in stopping] == (
        []
        if there
        else [
            (
                check,
                f"{name} {version}, for which {vendor}'s operator has no driver",
                f"Ubuntu 22.04, Ubuntu 24.04 with gpu.{vendor}.driver: operator",
                f"Say gpu.{vendor}.driver: packages, and name under packages what brings it on this system",
            )
        ]
    )


def test_what_an_operator_has_brought_and_a_manifest_of_ones_own_are_not_asked_for_their_system() -> None:
    debian = on(hopper(ubuntu()), "Debian", "12")
    loaded = replace(debian, gpu_state=replace(debian.gpu_state, modules=(), libraries={}))  # type: ignore[type-var]
    own = {"nvidia": {"driver": "operator", "manifest": "own.yaml"}}

    assert said(loaded, H100, NVIDIA_OPERATOR)["NV-03"].status is Status.PASS
    assert said(on(bare(hopper(ubuntu())), "Debian", "12"), H100, own)["NV-03"].status is Status.PASS


@pytest.mark.parametrize(
    ("packages", "stops_it"),
    [
        (["nvidia-driver"], True),
        (["nvidia-driver", "linux-headers-amd64"], False),
        (["linux-modules-nvidia-580-generic"], False),
        (["nvidia-driver", "linux-generic-hwe-24.04"], False),
    ],
)
def test_packages_that_build_a_module_need_headers(packages: list[str], stops_it: bool) -> None:
    host = bare(hopper(ubuntu()))
    headless = replace(host, kernels=replace(host.kernels, installed={KERNEL: False}))  # type: ignore[type-var]

    found = said(headless, H100, {"nvidia": {"driver": "packages", "packages": packages}})["GPU-07"]

    assert found.found == f"kernel {KERNEL} has no module nvidia, and no headers to build it with"
    assert [each.check for each in stops([found])] == (["GPU-07"] if stops_it else [])
    assert found.remedy == (
        "Name linux-headers-amd64 (Ubuntu: linux-headers-generic) under gpu.nvidia.packages, or install"
        " the kernel's on the host: DKMS builds nothing without them"
        if stops_it
        else ""
    )


@pytest.mark.parametrize(
    ("stacks", "status", "severity", "text"),
    [
        ({}, Status.FAIL, Severity.ERROR, "4 NVSwitches, no Fabric Manager"),
        (NVIDIA_OPERATOR, Status.SKIPPED, Severity.ERROR, "the operator's driver brings its own"),
        (
            {"nvidia": {"driver": "packages", "packages": ["nvidia-fabricmanager-580"]}},
            Status.FAIL,
            Severity.WARNING,
            "4 NVSwitches, no Fabric Manager",
        ),
    ],
)
def test_fabric_manager_is_missed_where_nobody_brings_it(
    stacks: dict[str, Any], status: Status, severity: Severity, text: str
) -> None:
    host = hgx(state="inactive", version="")(ubuntu())

    found = preflight(inventory(H100, stacks), (healthy("cp1", "192.168.1.10", 3), host))

    [said] = [each for each in found if each.check == "NV-06"]
    assert (said.status, said.severity, said.found) == (status, severity, text)
