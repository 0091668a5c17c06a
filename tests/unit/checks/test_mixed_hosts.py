"""A host with cards of several vendors and models is held against each of its entries, and judged by each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.catalogue import Phase
from checks.collect.observed import Observed
from checks.finding import Finding, Severity, Status
from checks.preflight import preflight
from deploy.model import Cluster
from deploy.observe.pci import Bus, Device
from tests.unit.checks.machines import GIB, cluster, device, healthy, with_arcs

A770 = {"vendor": "intel", "model": "A770", "count": 2}
B580 = {"vendor": "intel", "model": "B580", "count": 1}
H100 = {"vendor": "nvidia", "model": "H100", "count": 1}
BATTLEMAGE = device("0000:09:00.0", "8086", "e20b", "xe", bar=12 * GIB)
HOPPER = device("0000:0b:00.0", "10de", "2330", "nvidia", bar=128 * GIB)
UNKNOWN = replace(HOPPER, device="9999")
PACKAGES = {"nvidia": {"driver": "packages", "packages": ["nvidia-driver"]}}


def inventory(*gpus: dict[str, Any], **stacks: Any) -> Cluster:
    plain = cluster().model_dump(mode="json")
    plain["nodes"][2]["gpus"] = list(gpus)
    return Cluster.model_validate({**plain, "gpu": stacks})


def host(*cards: Device) -> Observed:
    """Return the host with two A770, with more cards beside them."""
    arcs = with_arcs()
    assert arcs.pci is not None
    assert arcs.gpu_state is not None
    state = arcs.gpu_state
    nvidia = [card for card in cards if card.vendor == "10de"]
    nodes = {f"nvidia{number}" for number, card in enumerate(nvidia) if card.driver == "nvidia"}
    return replace(
        arcs,
        pci=Bus(True, (*arcs.pci.devices, *cards)),
        gpu_state=replace(state, nodes=state.nodes | nodes),
    )


def said(check: str, declared: Cluster, seen: Observed) -> Finding:
    hosts = (healthy("cp1", "192.168.1.10", 3), healthy(), seen)
    found = preflight(declared, hosts, phase=Phase.PREFLIGHT)
    return next(each for each in found if (each.check, each.host) == (check, "g1"))


@pytest.mark.parametrize(
    ("gpus", "cards"),
    [
        pytest.param((A770, H100), (HOPPER,), id="two vendors"),
        pytest.param((A770, B580), (BATTLEMAGE,), id="two models of one vendor"),
        pytest.param((A770, B580, H100), (BATTLEMAGE, HOPPER), id="both"),
        pytest.param((A770, {**H100, "model": "RTX 9090"}), (UNKNOWN,), id="a card of an unknown id"),
    ],
)
def test_a_host_with_what_is_declared_is_good(gpus: tuple[Any, ...], cards: tuple[Device, ...]) -> None:
    finding = said("GPU-01", inventory(*gpus), host(*cards))

    assert finding.status is Status.PASS
    assert finding.wanted == ", ".join(f"{each['count']}x {each['vendor']} {each['model']}" for each in gpus)


@pytest.mark.parametrize(
    ("gpus", "cards", "found"),
    [
        pytest.param(
            (A770, H100), (), "2x intel A770; not counted: integrated graphics", id="one is missing"
        ),
        pytest.param(
            ({**A770, "count": 1}, {**B580, "count": 2}),
            (BATTLEMAGE,),
            "2x intel A770, 1x intel B580; not counted: integrated graphics",
            id="as many, and others",
        ),
        pytest.param(
            (A770, H100, {**H100, "model": "A100"}),
            (HOPPER, UNKNOWN, UNKNOWN),
            "2x intel A770, 1x nvidia H100, 2x nvidia 10de:9999; not counted: integrated graphics",
            id="too many of unknown ids",
        ),
    ],
)
def test_a_host_that_lacks_one_or_has_one_too_many_is_not(
    gpus: tuple[Any, ...], cards: tuple[Device, ...], found: str
) -> None:
    finding = said("GPU-01", inventory(*gpus), host(*cards))

    assert (finding.status, finding.severity, finding.found) == (Status.FAIL, Severity.ERROR, found)


def test_cards_of_a_vendor_that_is_not_declared_are_not_used() -> None:
    finding = said("GPU-01", inventory(A770, B580), host(BATTLEMAGE, HOPPER))

    assert (finding.severity, finding.detail) == (
        Severity.WARNING,
        "GPUs that are not declared are not used",
    )


def test_cards_that_a_second_vendors_plugin_would_give_away_too_are_an_error() -> None:
    seen = host(HOPPER, replace(HOPPER, slot="0000:0d:00.0", device="20b0"))

    finding = said("GPU-01", inventory(A770, H100), seen)

    assert (finding.status, finding.severity, finding.detail) == (
        Status.FAIL,
        Severity.ERROR,
        "nvidia's device plugin gives away all of its vendor's cards, declared or not",
    )


def test_what_is_there_and_not_declared_is_said_as_an_inventory_says_it() -> None:
    finding = said("GPU-01", inventory(), host(UNKNOWN))

    assert finding.remedy == (
        "Declare them: gpus: [{vendor: intel, model: A770, count: 2}, {vendor: nvidia, model: NAME, count:"
        " 1}], NAME as nvidia calls 10de:9999, such as RTX 4070"
    )


def test_each_models_own_module_is_asked_for() -> None:
    by_module = inventory({**A770, "module": "i915"}, B580)

    finding = said("GPU-02", by_module, host(BATTLEMAGE))

    assert (finding.status, finding.found, finding.wanted) == (
        Status.FAIL,
        "0000:03:00.0 A770 is bound to xe, 0000:07:00.0 A770 is bound to xe",
        "i915 for A770, xe for B580",
    )


def test_two_drivers_by_which_a_device_plugin_tells_models_apart_are_as_declared() -> None:
    by_number = ({**A770, "allocation": "device-plugin"}, {**B580, "allocation": "device-plugin"})
    old, new = ({**by_number[0], "module": module} for module in ("i915", "xe"))
    seen = host(BATTLEMAGE)
    assert seen.pci is not None
    arcs = [replace(card, driver="i915") if card.driver == "xe" else card for card in seen.pci.devices[:-1]]
    apart = replace(seen, pci=Bus(True, (*arcs, BATTLEMAGE)))

    good = said("INT-01", inventory(old, by_number[1]), apart)
    bad = said("INT-01", inventory(new, by_number[1]), apart)
    claimed = said("INT-01", inventory(A770, B580), apart)

    assert (good.status, good.found, good.wanted) == (Status.PASS, "2x i915, 1x xe", "i915 and xe")
    assert (bad.status, bad.wanted) == (Status.FAIL, "one driver")
    assert (claimed.status, claimed.wanted) == (Status.FAIL, "one driver")


@pytest.mark.parametrize(
    ("second", "status"),
    [(H100, Status.SKIPPED), (None, Status.FAIL)],
    ids=["of two models each by itself", "two of one model"],
)
def test_gpus_that_no_pod_gets_together_need_no_way_to_each_other(
    second: dict[str, Any] | None, status: Status
) -> None:
    seen = host(HOPPER)
    assert seen.pci is not None
    cards = [replace(card, iommu_group=str(number)) for number, card in enumerate(seen.pci.devices)]
    kept = [cards[0], cards[1], cards[-1]] if second else cards[:-1]
    declared = inventory({**A770, "count": 1}, second) if second else inventory(A770)

    assert said("GPU-12", declared, replace(seen, pci=Bus(True, tuple(kept)))).status is status


def test_a_driver_that_packages_bring_is_not_missed_beside_one_that_the_host_has() -> None:
    bare = host(replace(HOPPER, driver=None))
    declared = inventory(A770, H100, **PACKAGES)

    found = [said(check, declared, bare) for check in ("GPU-02", "GPU-03", "GPU-07")]

    assert [(each.severity, each.detail) for each in found] == [
        (Severity.WARNING, "will be set by gpu-hosts")
    ] * 3
    alone = said("GPU-02", inventory(A770, H100), bare)
    assert (alone.status, alone.severity) == (Status.FAIL, Severity.ERROR)


def test_two_vendors_drivers_are_brought_by_a_phase_each() -> None:
    instinct = device("0000:0d:00.0", "1002", "74a1", None, bar=256 * GIB)
    bare = host(replace(HOPPER, driver=None), instinct)
    built = {"driver": "operator", "driver_image": "harbor.home.lan/amd/driver"}
    mi300x = {"vendor": "amd", "model": "MI300X", "count": 1}

    finding = said("GPU-02", inventory(A770, H100, mi300x, amd=built, **PACKAGES), bare)

    assert finding.detail == "will be set by gpu-amd and gpu-hosts"
