"""Parts and shares of GPUs in an active verify: all are held, one too many waits and gets what is freed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from gpu_world import CARDS, CLUSTER, RESOURCE, World
from test_gpu_probe import _quick, prove, told_of  # noqa: F401 - a fixture of all tests here

from checks.acceptance.gpu_pods import LARGEST, MOST, REST, Target, wiring
from deploy.catalog.gpu import resource_api
from deploy.model import Cluster, Gpus

CPX, SPX = ({"compute": compute, "memory": "NPS1"} for compute in ("CPX", "SPX"))
PARTS = [f"/dev/dri/renderD{128 + number}" for number in range(64)]
NVIDIA = "nvidia.com/gpu"
ALL_SHARES = 8


def cut(node: int, resource: int, **gpus: Any) -> tuple[Cluster, dict[str, list[dict[str, Any]]]]:
    """Return the cluster with other GPUs on a node, and what amd1 then offers."""
    inventory = CLUSTER.model_dump(mode="json")
    inventory["nodes"][node]["gpus"][0] |= gpus
    offer = {"metadata": {"name": "amd1"}, "status": {"allocatable": {RESOURCE: str(resource)}}}
    return Cluster.model_validate(inventory), {"nodes": [offer]}


def parted(**faults: Any) -> World:
    return World(cards={**CARDS, "amd1": PARTS}, **faults)


def shared(replicas: int = 4, **strategy: str) -> tuple[Cluster, dict[str, list[dict[str, Any]]]]:
    """Return the cluster with two cards of NVIDIA's on amd1, each for so many pods, and what that offers."""
    gpus = {
        "vendor": "nvidia",
        "model": "H100",
        "count": 2,
        "allocation": "device-plugin",
        "sharing": {"strategy": "time-slicing", "replicas": replicas, **strategy},
    }
    inventory = CLUSTER.model_dump(mode="json")
    inventory["nodes"][2]["gpus"] = gpus
    offer = {"metadata": {"name": "amd1"}, "status": {"allocatable": {NVIDIA: str(2 * replicas)}}}
    return Cluster.model_validate(inventory), {"nodes": [offer]}


def shares(**faults: Any) -> World:
    cards = [f"/dev/nvidia{number // 4}#{number % 4}" for number in range(ALL_SHARES)]
    return World(cards={**CARDS, "amd1": cards}, **faults)


def test_all_parts_of_cut_cards_are_held_and_one_too_many_gets_the_one_that_is_freed() -> None:
    cluster, changed = cut(2, 64, partitioning=CPX)

    findings = prove(parted(), cluster=cluster, **changed)

    assert told_of(findings, "fail") == {}
    said = told_of(findings, "pass")
    assert said["GPU-14", "amd1"] == (
        f"0 asked for: none; 1 asked for: {PARTS[0]}; 63 more for another pod: given"
    )
    assert said["GPU-15", "amd1"] == (
        f"with all 64 held: Insufficient {RESOURCE}; with one freed: {PARTS[0]}"
    )
    assert told_of(findings, "skipped") == {}


def test_all_shares_are_held_one_by_one_and_one_too_many_gets_the_one_that_is_freed() -> None:
    cluster, changed = shared()

    findings = prove(shares(), cluster=cluster, **changed)

    assert told_of(findings, "fail") == {}
    said = told_of(findings, "pass")
    assert said["GPU-14", "amd1"] == (
        "0 asked for: none; 1 asked for: /dev/nvidia0; 7 more for 7 others: given"
    )
    assert said["GPU-15", "amd1"] == (f"with all 8 held: Insufficient {NVIDIA}; with one freed: /dev/nvidia0")


def test_a_share_or_a_part_that_is_given_twice_is_found() -> None:
    cluster, changed = shared()

    findings = prove(shares(generous=True), cluster=cluster, **changed)

    assert told_of(findings, "fail")["GPU-15", "amd1"] == (
        "with all 8 held: /dev/nvidia0; with one freed: /dev/nvidia0"
    )


def test_more_shares_than_pods_that_a_verify_makes_are_said_to_be_untried() -> None:
    cluster, changed = shared(replicas=10)

    findings = prove(shares(), cluster=cluster, **changed)

    said = f"20 pods of one share each are more than {MOST}"
    assert told_of(findings, "skipped") == {("GPU-15", "amd1"): said}
    assert told_of(findings, "pass")["GPU-14", "amd1"] == "0 asked for: none; 1 asked for: /dev/nvidia0"


def test_a_part_that_a_pod_does_not_see_is_found() -> None:
    cluster, changed = cut(2, 64, partitioning=CPX)

    findings = prove(parted(blind=True), cluster=cluster, **changed)

    assert told_of(findings, "fail")["GPU-14", "amd1"] == (
        "0 asked for: none; 1 asked for: none; 63 more for another pod: none"
    )
    assert told_of(findings, "unavailable")["GPU-15", "amd1"] == "its pods did not get their GPUs (GPU-14)"


@pytest.mark.parametrize(("held", "free"), [("64", "0"), ("60", "4")])
def test_parts_that_are_held_are_left_to_who_holds_them(held: str, free: str) -> None:
    cluster, changed = cut(2, 64, partitioning=CPX)
    limits = {"resources": {"limits": {RESOURCE: held}}}
    pod = {"metadata": {"name": "llama"}, "spec": {"nodeName": "amd1", "containers": [limits]}}

    findings = prove(parted(), cluster=cluster, pods=[pod], **changed)

    skipped = told_of(findings, "skipped")
    assert skipped["GPU-15", "amd1"] == f"{free} of 64 are free"
    assert (("GPU-14", "amd1") in skipped) is (free == "0")


def test_parts_that_are_not_all_offered_are_not_taken_for_all() -> None:
    cluster, changed = cut(2, 63, partitioning=CPX)

    findings = prove(parted(), cluster=cluster, **changed)

    assert told_of(findings, "skipped")["GPU-15", "amd1"] == "63 of 64 are free"


def test_cards_that_are_made_whole_are_proven_as_whole_ones() -> None:
    cluster, changed = cut(2, 8, partitioning=SPX)

    assert prove(World(), cluster=cluster, **changed) == prove(World())


def test_a_part_is_claimed_by_its_profile() -> None:
    gpus = Gpus.model_validate(
        {"vendor": "amd", "model": "MI300X", "count": 8, "allocation": "dra", "partitioning": CPX}
    )
    api = resource_api("v1.36.3")

    wired = wiring(CLUSTER, api, Target("amd1", gpus, 64, 64, {}), "one-amd1", "verify", 1)

    assert "cpx_nps1" in json.dumps(wired.objects)


def test_no_claim_is_larger_than_the_api_takes() -> None:
    gpus = {"vendor": "amd", "model": "MI300X", "count": 8, "partitioning": CPX}
    by_claim = Target("amd1", Gpus.model_validate({**gpus, "allocation": "dra"}), 64, 64, {})
    by_number = Gpus.model_validate({**gpus, "allocation": "device-plugin"})

    assert by_claim.others == {REST: LARGEST, f"{REST}1": 31}
    assert replace(by_claim, gpus=by_number).others == {REST: 63}
    assert replace(by_claim, there=1).others == {}
