"""What a node's labels said of its GPUs goes when the inventory does not say it any more."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.steps import nodes
from tests.unit.gpu.clusters import ARC, CP, HOPPER, INSTINCT, WORKER, cluster
from tests.unit.gpu.stacks import BY_NUMBER, CUT, MIG, SLICED

KINDS = ("slipway.dev/gpu-intel", "slipway.dev/gpu-amd-model", "slipway.dev/gpu-nvidia-parts")
FORMER = {f"slipway.dev/gpu-{each}" for each in ("vendor", "model", "allocation", "parts")}
FOUND = ("feature.node.kubernetes.io/amd-gpu", "feature.node.kubernetes.io/pci-10de.present")
PROFILE, PLUGIN, MIG_LABEL = (
    "dcm.amd.com/gpu-config-profile",
    "nvidia.com/device-plugin.config",
    "nvidia.com/mig.config",
)


def left(gpus: dict[str, Any], **keys: Any) -> tuple[str, ...]:
    declared = cluster(gpus, **keys)
    return nodes.declared(declared, declared.node("w1")).left


@pytest.mark.parametrize(
    ("gpus", "expected"),
    [
        pytest.param(ARC, {PROFILE, PLUGIN, MIG_LABEL}, id="Intel has none of the operators'"),
        pytest.param(INSTINCT, {PROFILE, PLUGIN, MIG_LABEL}, id="AMD, whole"),
        pytest.param(CUT, {PLUGIN, MIG_LABEL}, id="AMD, cut"),
        pytest.param(HOPPER, {PROFILE, PLUGIN, MIG_LABEL}, id="NVIDIA, whole"),
        pytest.param(SLICED, {PROFILE, MIG_LABEL}, id="NVIDIA, shared"),
        pytest.param(MIG, {PROFILE, PLUGIN}, id="NVIDIA, cut"),
    ],
)
def test_what_a_node_was_once_declared_to_have_is_left_over(gpus: dict[str, Any], expected: set[str]) -> None:
    assert set(left(gpus)) & {PROFILE, PLUGIN, MIG_LABEL} == expected


def test_what_tells_an_operator_its_cards_is_the_other_vendors() -> None:
    of = [set(left(gpus)) & set(FOUND) for gpus in (ARC, INSTINCT, HOPPER)]

    assert of == [set(FOUND), {FOUND[1]}, {FOUND[0]}]


def test_a_node_without_gpus_keeps_none_of_it_and_only_where_slipway_labelled_it() -> None:
    declared = cluster(nodes=[CP])
    wanted = nodes.declared(declared, declared.node("cp1"))

    assert set(wanted.left) >= {*KINDS, *FORMER, PROFILE, PLUGIN, MIG_LABEL, *FOUND}
    assert set(wanted.marks) == {
        "slipway.dev/gpu-vendor",
        *(f"slipway.dev/gpu-{vendor}" for vendor in ("intel", "amd", "nvidia")),
    }


def test_what_a_former_release_called_a_node_is_left_to_the_phase_that_tells_its_stack() -> None:
    assert FORMER.isdisjoint(left(ARC))


def test_what_is_discovered_or_declared_by_hand_stays() -> None:
    assert set(left(BY_NUMBER, gpu={"node_feature_discovery": True})).isdisjoint(FOUND)

    declared = cluster(nodes=[{**CP, "labels": {MIG_LABEL: "all-balanced"}}])
    assert MIG_LABEL not in nodes.declared(declared, declared.node("cp1")).left


@pytest.mark.parametrize(
    ("gpus", "theirs"), [(INSTINCT, {PROFILE}), (BY_NUMBER, {PLUGIN, MIG_LABEL})], ids=["AMD", "NVIDIA"]
)
def test_what_an_operator_of_a_manifest_may_set_is_not_fought_over(
    gpus: dict[str, Any], theirs: set[str]
) -> None:
    manifest = {gpus["vendor"]: {"manifest": "own.yaml"}}

    assert (
        set(left(gpus, gpu=manifest)) & {PROFILE, PLUGIN, MIG_LABEL}
        == {
            PROFILE,
            PLUGIN,
            MIG_LABEL,
        }
        - theirs
    )


def test_a_node_beside_a_cut_one_says_that_its_cards_are_whole() -> None:
    declared = cluster(BY_NUMBER, MIG)

    assert MIG_LABEL not in nodes.declared(declared, declared.node("w1")).left


OPERANDS = "nvidia.com/gpu.deploy.operands"


def test_nvidias_operator_is_kept_from_cards_that_are_found_and_not_declared() -> None:
    declared = cluster(BY_NUMBER, ARC)
    said = {node.name: nodes.declared(declared, node) for node in declared.nodes}

    assert {name: each.labels for name, each in said.items()} == {
        "cp1": {OPERANDS: "false"},
        "w1": {},
        "w2": {OPERANDS: "false"},
    }
    assert [name for name, each in said.items() if OPERANDS in each.unlabelled] == ["w1"]


def test_a_node_says_nothing_of_operands_where_its_labels_are_set_as_declared_or_by_hand() -> None:
    by_claim = cluster(HOPPER, ARC)
    by_hand = cluster(nodes=[CP, {**WORKER, "gpus": BY_NUMBER, "labels": {OPERANDS: "true"}}])
    own = cluster(BY_NUMBER, ARC, gpu={"nvidia": {"manifest": "own.yaml"}})

    assert [nodes.declared(by_claim, node).labels for node in by_claim.nodes] == [{}, {}, {}]
    assert [nodes.declared(own, node).labels for node in own.nodes] == [{}, {}, {}]
    assert [nodes.declared(own, node).unlabelled for node in own.nodes] == [(), (), ()]
    assert nodes.declared(by_hand, by_hand.node("w1")).unlabelled == ()
