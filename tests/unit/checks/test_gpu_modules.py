"""A card that another module drives than the declared one is found, with what makes it the right one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.finding import Finding, Status
from checks.preflight import preflight
from deploy.model import Cluster
from deploy.observe.pci import Bus
from tests.unit.checks.machines import cluster, everyone

A770 = {"vendor": "intel", "model": "A770", "count": 2}


def inventory(**gpus: Any) -> Cluster:
    plain = cluster().model_dump(mode="json")
    plain["nodes"][2]["gpus"] = {**A770, **gpus}
    return Cluster.model_validate(plain)


def bound(driver: str | None, **gpus: Any) -> Finding:
    """Return what is said of a host whose cards are all bound to a driver."""
    hosts = []
    for host in everyone():
        if host.host == "g1":
            assert host.pci is not None
            own, *cards = host.pci.devices
            host = replace(host, pci=Bus(True, (own, *(replace(card, driver=driver) for card in cards))))
        hosts.append(host)
    findings = preflight(inventory(**gpus), hosts)
    return next(each for each in findings if (each.check, each.host) == ("GPU-02", "g1"))


@pytest.mark.parametrize("driver", ["xe", "i915"])
def test_either_driver_of_a_card_will_do_where_none_is_declared(driver: str) -> None:
    found = bound(driver)

    assert (found.status, found.found, found.wanted) == (Status.PASS, f"2x {driver}", "i915 or xe for each")


def test_the_declared_one_alone_will_do_where_one_is() -> None:
    good, other = bound("xe", module="xe"), bound("i915", module="xe")

    assert (good.status, good.found, good.wanted) == (Status.PASS, "2x xe", "xe for each")
    assert (other.status, other.found, other.wanted) == (
        Status.FAIL,
        "0000:03:00.0 A770 is bound to i915, 0000:07:00.0 A770 is bound to i915",
        "xe for each",
    )
    assert other.remedy == (
        "Boot with i915.force_probe=!56a0 xe.force_probe=56a0 on the kernel's command line,"
        " or declare gpus.module: i915"
    )


def test_a_device_plugin_offers_cards_under_the_name_of_one_driver_alone() -> None:
    """gpu.intel.com/i915 would be waited for and asked for, where the plugin offers gpu.intel.com/xe."""
    other, said = (
        bound("xe", allocation="device-plugin"),
        bound("xe", allocation="device-plugin", module="xe"),
    )

    assert bound("i915", allocation="device-plugin").status is Status.PASS
    assert (said.status, said.wanted) == (Status.PASS, "xe for each")
    assert (other.status, other.wanted) == (Status.FAIL, "i915 for each")
    assert other.remedy == (
        "Boot with xe.force_probe=!56a0 i915.force_probe=56a0 on the kernel's command line,"
        " or declare gpus.module: xe"
    )


@pytest.mark.parametrize("driver", ["vfio-pci", None])
def test_what_drives_no_gpu_at_all_is_mended_as_the_catalogue_says(driver: str | None) -> None:
    found = bound(driver, module="xe")

    assert found.status is Status.FAIL
    assert found.found.startswith(f"0000:03:00.0 A770 is bound to {driver or 'no driver'}")
    assert found.remedy.startswith(
        "echo blacklist nouveau > /etc/modprobe.d/nouveau.conf; update-initramfs -u;"
    )
