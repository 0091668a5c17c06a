"""How a workload comes to its GPUs: by a claim or by a number, and what it is told where it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deploy.gpu import Need, NeedError, digest, wired
from deploy.gpu.need import GIB, memory_of
from deploy.model import Gpus, Vendor
from deploy.steps import gpu_stack
from tests.unit.gpu.clusters import ARC, BATTLEMAGE, CP, HOPPER, INSTINCT, cluster, mixed


def test_a_device_plugin_is_asked_by_number_and_its_nodes_by_model() -> None:
    wiring = wired(mixed(), Need(Vendor.AMD, 4), "x", "models")

    assert wiring.objects == []
    assert wiring.resources == {"requests": {"amd.com/gpu": "4"}, "limits": {"amd.com/gpu": "4"}}
    terms = [
        {"key": "slipway.dev/gpu-amd-model", "operator": "In", "values": ["MI300X"]},
    ]
    required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
    assert wiring.pod == {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    }


def test_a_claim_is_named_in_the_pod_and_in_the_container() -> None:
    own = wired(mixed(), Need(Vendor.INTEL), "llama", "models")
    shared = wired(mixed(), Need(Vendor.INTEL, shared=True), "llama", "models")

    assert own.pod == {"resourceClaims": [{"name": "gpus", "resourceClaimTemplateName": "llama"}]}
    assert shared.pod == {"resourceClaims": [{"name": "gpus", "resourceClaimName": "llama"}]}
    assert own.resources == shared.resources == {"claims": [{"name": "gpus"}]}


def test_another_claim_has_another_name_and_another_version_of_the_api_does_not() -> None:
    any_card, need = Need(Vendor.INTEL), Need(Vendor.INTEL, models=("A770",))
    one, more = cluster(ARC), cluster(ARC, BATTLEMAGE)

    assert digest(one, any_card) == digest(cluster(ARC, version="v1.32.4"), any_card)
    # without a model the claim names those that are declared, and nobody may change it
    assert digest(one, any_card) != digest(more, any_card)
    assert digest(one, need) == digest(more, need) != digest(one, replace(need, count=2))


@pytest.mark.parametrize(
    ("gpus", "need", "resource"),
    [
        pytest.param(
            {**ARC, "allocation": "device-plugin"}, Need(Vendor.INTEL), "gpu.intel.com/i915", id="i915"
        ),
        pytest.param(
            {**ARC, "allocation": "device-plugin", "module": "xe"},
            Need(Vendor.INTEL),
            "gpu.intel.com/xe",
            id="xe as declared",
        ),
        pytest.param(
            {**BATTLEMAGE, "allocation": "device-plugin"},
            Need(Vendor.INTEL),
            "gpu.intel.com/xe",
            id="xe alone",
        ),
        pytest.param(
            {**INSTINCT, "partitioning": {"compute": "CPX", "memory": "NPS4"}},
            Need(Vendor.AMD, profile="cpx_nps4"),
            "amd.com/gpu",
            id="a part of an Instinct",
        ),
        pytest.param(
            {
                **HOPPER,
                "allocation": "device-plugin",
                "sharing": {"strategy": "time-slicing", "replicas": 4},
            },
            Need(Vendor.NVIDIA, shared=True),
            "nvidia.com/gpu",
            id="a share of an H100",
        ),
    ],
)
def test_extended_resources_are_named_as_their_plugins_do(
    gpus: dict[str, Any], need: Need, resource: str
) -> None:
    assert wired(cluster(gpus), need, "x", "models").resources["limits"] == {resource: "1"}


@pytest.mark.parametrize("strategy", ["single", "mixed"])
def test_mig_parts_have_a_name_of_their_own_with_the_mixed_strategy_only(strategy: str) -> None:
    gpus = {**HOPPER, "allocation": "device-plugin", "partitioning": {"mig": "all-1g.10gb"}}
    declared = cluster(gpus, gpu={"nvidia": {"mig_strategy": strategy}})
    wiring = wired(declared, Need(Vendor.NVIDIA, profile="1g.10gb"), "x", "models")

    expected = {"single": "nvidia.com/gpu", "mixed": "nvidia.com/mig-1g.10gb"}[strategy]
    assert wiring.resources["limits"] == {expected: "1"}


def models_of(need: Need, *gpus: dict[str, Any]) -> list[dict[str, Any]]:
    pod = wired(cluster(*gpus), need, "x", "models").pod
    required = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    [term] = required["nodeSelectorTerms"]
    return [each for each in term["matchExpressions"] if each["key"] == "slipway.dev/gpu-amd-parts"]


def test_parts_and_whole_cards_under_one_name_are_told_apart_by_their_nodes() -> None:
    cut = {**INSTINCT, "partitioning": {"compute": "CPX", "memory": "NPS4"}}
    spx = {**INSTINCT, "partitioning": {"compute": "SPX", "memory": "NPS1"}}
    declared = cluster(cut, INSTINCT)

    assert models_of(Need(Vendor.AMD, profile="cpx_nps4"), cut, INSTINCT) == [
        {"key": "slipway.dev/gpu-amd-parts", "operator": "In", "values": ["cpx_nps4"]}
    ]
    assert models_of(Need(Vendor.AMD), cut, INSTINCT) == [
        {"key": "slipway.dev/gpu-amd-parts", "operator": "DoesNotExist"}
    ]
    assert models_of(Need(Vendor.AMD), spx, INSTINCT) == []
    labels = [gpu_stack.labels(declared, node, Vendor.AMD) for node in declared.gpu_nodes()]
    assert [each.get("slipway.dev/gpu-amd-parts") for each in labels] == ["cpx_nps4", None]


SHARED = {**HOPPER, "allocation": "device-plugin", "sharing": {"strategy": "mps", "replicas": 4}}


@pytest.mark.parametrize(
    ("gpus", "need", "said"),
    [
        pytest.param(
            [ARC],
            Need(Vendor.AMD),
            "no node has GPUs of amd; declare them in nodes[].gpus",
            id="no such vendor",
        ),
        pytest.param(
            [ARC, BATTLEMAGE],
            Need(Vendor.INTEL, models=("A380",)),
            "no node has A380; there are: 2 A770 on w1, 1 B580 on w2",
            id="no such model",
        ),
        pytest.param(
            [ARC, BATTLEMAGE],
            Need(Vendor.INTEL, memory="24Gi"),
            "no node has a GPU of intel with 24Gi; there are: 2 A770 on w1, 1 B580 on w2",
            id="too little memory",
        ),
        pytest.param(
            [ARC],
            Need(Vendor.INTEL, memory="16Gi"),
            "no node has a GPU of intel with 16Gi; there are: 2 A770 on w1; of 16Gi the driver of A770"
            " reports a little less: ask for a gibibyte less",
            id="all that a card is sold with",
        ),
        pytest.param(
            [ARC, BATTLEMAGE],
            Need(Vendor.INTEL, 3),
            "no node has 3 of a GPU of intel, the largest has 2; ask for less",
            id="too many",
        ),
        pytest.param(
            [HOPPER],
            Need(Vendor.NVIDIA, profile="1g.10gb"),
            "no node has a GPU of nvidia cut to 1g.10gb; there are: 8 H100 on w1",
            id="no parts",
        ),
        pytest.param(
            [{**INSTINCT, "partitioning": {"compute": "CPX", "memory": "NPS4"}}],
            Need(Vendor.AMD),
            "no node has a GPU of amd; there are: 8 MI300X cut to cpx_nps4 on w1; parts of a GPU are asked"
            " for by profile: cpx_nps4",
            id="nothing but parts",
        ),
        pytest.param(
            [INSTINCT],
            Need(Vendor.AMD, shared=True),
            "pods share a GPU by a claim, or by the device plugin's sharing; these nodes have neither: w1;"
            " set nodes[].gpus.sharing, or allocation: dra",
            id="nothing to share",
        ),
        pytest.param(
            [SHARED],
            Need(Vendor.NVIDIA, 2),
            "2 shares may be of one and the same GPU; ask for 1 where GPUs are shared, or leave out sharing"
            " on w1",
            id="two shares",
        ),
        pytest.param(
            [{**ARC, "allocation": "device-plugin"}, {**BATTLEMAGE, "allocation": "device-plugin"}],
            Need(Vendor.INTEL),
            "these nodes offer gpu.intel.com/i915 and gpu.intel.com/xe; name the models of one of them",
            id="two names",
        ),
    ],
)
def test_what_a_cluster_cannot_give_is_said_with_what_it_has(
    gpus: list[dict[str, Any]], need: Need, said: str
) -> None:
    with pytest.raises(NeedError) as caught:
        wired(cluster(*gpus), need, "x", "models")

    assert str(caught.value) == said


def test_a_model_that_is_sold_in_two_sizes_may_be_the_larger_and_is_counted_on_as_the_smaller() -> None:
    gpus = {**HOPPER, "model": "A100"}
    declared = cluster(gpus)

    assert len(wired(declared, Need(Vendor.NVIDIA, memory="60Gi"), "x", "models").objects) == 1
    assert memory_of(Gpus.model_validate(gpus)) == 40 * GIB
    with pytest.raises(NeedError, match="of 80Gi the driver of A100 reports a little less"):
        wired(declared, Need(Vendor.NVIDIA, memory="80Gi"), "x", "models")


def test_dra_goes_before_the_device_plugin_where_a_vendor_has_both() -> None:
    both = cluster({**BATTLEMAGE, "allocation": "device-plugin"}, ARC)

    assert [obj["kind"] for obj in wired(both, Need(Vendor.INTEL), "x", "models").objects] == [
        "ResourceClaimTemplate"
    ]


def test_a_control_plane_may_have_gpus_too() -> None:
    declared = cluster(nodes=[{**CP, "gpus": ARC}])

    assert len(wired(declared, Need(Vendor.INTEL, 2), "x", "models").objects) == 1
