"""One node with cards of several vendors and models: each vendor's stack has its own, and pods say which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.cli import validate
from deploy.gpu import Need, NeedError, beside, digest, wired
from deploy.gpu.wiring import LONGEST, label_value
from deploy.model import Cluster, Gpus, Node, Vendor, load_cluster
from deploy.model.mistake import written
from deploy.plan import phases
from deploy.steps import amd, containerd, gpu_hosts, gpu_stack, intel, nvidia
from deploy.steps.k3s import config
from tests.unit.fake_host import changes, locked, prepared
from tests.unit.gpu import versions
from tests.unit.gpu.clusters import ARC, BATTLEMAGE, CP, HOPPER, INSTINCT, WORKER, cluster
from tests.unit.gpu.clusters import beside as one_node
from tests.unit.gpu.stacks import BY_NUMBER, CUT, PLUGIN_IMAGE, pinned
from tests.unit.gpu.versions import HERE

I915 = {**ARC, "allocation": "device-plugin", "module": "i915"}
XE = {**BATTLEMAGE, "allocation": "device-plugin"}
AMPERE = {**HOPPER, "model": "A100", "count": 1}
NEEDS = {
    "any-one": Need(Vendor.INTEL),
    "any-two": Need(Vendor.INTEL, 2),
    "by-model": Need(Vendor.INTEL, 2, models=("A770",)),
    "large-enough": Need(Vendor.INTEL, memory="15Gi"),
    "better-first": Need(Vendor.INTEL, models=("B580", "A770")),
    "by-number": Need(Vendor.NVIDIA, 4),
}


def worker(declared: Cluster) -> Node:
    return declared.node("w1")


def rendered(declared: Cluster) -> dict[str, Any]:
    """Return what a node is labelled with, and what workloads add to get each of its GPUs."""
    labels = {
        vendor.value: gpu_stack.labels(declared, worker(declared), vendor)
        for vendor in (Vendor.INTEL, Vendor.NVIDIA)
    }
    wirings = {name: wired(declared, need, name, "models") for name, need in NEEDS.items()}
    workloads = {
        name: {"objects": each.objects, "pod": each.pod, "resources": each.resources}
        for name, each in wirings.items()
    }
    return {"labels": labels, "workloads": workloads}


def test_a_node_of_two_vendors_and_three_models_is_rendered_for_kubernetes_1_36() -> None:
    declared = one_node(ARC, BATTLEMAGE, BY_NUMBER)
    made = rendered(declared)

    assert made == yaml.safe_load((HERE / "golden" / "mixed-1.36.yaml").read_text())
    for each in made["workloads"].values():
        for obj in each["objects"]:
            versions.validate(obj, "1.36")


def test_a_list_and_what_stands_alone_are_the_same(tmp_path: Path) -> None:
    assert one_node(ARC).nodes == cluster(ARC).nodes

    path = tmp_path / "lab.yaml"
    path.write_text(yaml.safe_dump(one_node(ARC, HOPPER).model_dump(mode="json", exclude_defaults=True)))
    loaded = load_cluster(path)
    assert loaded.nodes == one_node(ARC, HOPPER).nodes
    assert [node.name for node in loaded.gpu_nodes(Vendor.NVIDIA)] == ["w1"]
    assert [node.name for node in loaded.gpu_nodes()] == ["w1"]


def test_a_claim_of_several_says_that_they_are_alike_only_where_a_node_has_two_models() -> None:
    two, apart = one_node(ARC, BATTLEMAGE), cluster(ARC, BATTLEMAGE)

    def constraints(declared: Cluster, need: Need) -> Any:
        [template] = wired(declared, need, "x", "models").objects
        return template["spec"]["spec"]["devices"].get("constraints")

    assert constraints(two, Need(Vendor.INTEL, 2)) == [
        {"requests": ["gpu"], "matchAttribute": "gpu.intel.com/model"}
    ]
    assert constraints(apart, Need(Vendor.INTEL, 2)) is None
    assert constraints(two, Need(Vendor.INTEL)) is None
    assert constraints(two, Need(Vendor.INTEL, 2, models=("A770",))) is None
    # a claim cannot be changed, so that another one has another name
    assert digest(two, Need(Vendor.INTEL, 2)) != digest(apart, Need(Vendor.INTEL, 2))
    assert digest(two, Need(Vendor.INTEL)) == digest(apart, Need(Vendor.INTEL))


def test_cards_of_two_models_are_not_counted_together() -> None:
    with pytest.raises(NeedError) as error:
        wired(one_node(ARC, BATTLEMAGE), Need(Vendor.INTEL, 3), "x", "models")

    assert str(error.value) == (
        "no node has 3 of a GPU of intel, the largest has 2 of one model; ask for less"
    )


def test_intels_plugin_tells_models_apart_by_their_drivers() -> None:
    declared = one_node(I915, XE)

    assert beside.mistakes(declared) == []
    one = wired(declared, Need(Vendor.INTEL, models=("B580",)), "x", "models")
    assert one.resources["limits"] == {"gpu.intel.com/xe": "1"}
    [term] = one.pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]
    assert term["matchExpressions"] == [
        {"key": "slipway.dev/gpu-intel-model", "operator": "In", "values": ["A770_B580"]}
    ]
    with pytest.raises(NeedError) as error:
        wired(declared, Need(Vendor.INTEL), "x", "models")
    assert str(error.value) == (
        "these nodes offer gpu.intel.com/i915 and gpu.intel.com/xe; name the models of one of them"
    )
    spec = intel.plugin(declared, PLUGIN_IMAGE)["spec"]
    assert spec["allowIDs"] == "0x56a0,0xe20b"


@pytest.mark.parametrize(
    ("gpus", "said"),
    [
        pytest.param(
            (I915, {**XE, "module": "i915"}),
            "nodes[1].gpus[1]: intel's device plugin offers these and those of nodes[1].gpus[0] as"
            " gpu.intel.com/i915, and a pod cannot say which it wants; use allocation: dra for both, or take"
            " one out of the node",
            id="Intel's, by one driver",
        ),
        pytest.param(
            (BY_NUMBER, {**BY_NUMBER, "model": "RTX 4090"}),
            "nodes[1].gpus[1]: nvidia's device plugin offers these and those of nodes[1].gpus[0] as"
            " nvidia.com/gpu, and a pod cannot say which it wants; use allocation: dra for both, or take one"
            " out of the node",
            id="NVIDIA's",
        ),
        pytest.param(
            (INSTINCT, {**INSTINCT, "model": "MI325X"}),
            "nodes[1].gpus[1]: amd's device plugin offers these and those of nodes[1].gpus[0] as amd.com/gpu,"
            " and a pod cannot say which it wants; use allocation: dra for both, or take one out of the node",
            id="AMD's",
        ),
        pytest.param(
            ({**HOPPER, "model": "RTX 4071"}, {**HOPPER, "model": "4071"}),
            'nodes[1].gpus[1].model: "4071" is in the name RTX 4071 too, so that one is taken for the other;'
            " write more of its name",
            id="a name within a name",
        ),
    ],
)
def test_what_pods_cannot_tell_apart_is_refused(gpus: tuple[dict[str, Any], ...], said: str) -> None:
    assert [f"{written(each.place)}: {each.text}" for each in beside.mistakes(one_node(*gpus))] == [said]


@pytest.mark.parametrize(
    "gpus",
    [
        pytest.param((ARC, BATTLEMAGE), id="claimed by model"),
        pytest.param((HOPPER, AMPERE), id="NVIDIA's, claimed"),
        pytest.param((I915, BY_NUMBER, INSTINCT), id="one of each vendor, by number"),
        pytest.param(
            ({**HOPPER, "model": "RTX 4070"}, {**HOPPER, "model": "RTX 4070 Ti"}), id="a longer name is known"
        ),
    ],
)
def test_what_pods_can_tell_apart_is_not(gpus: tuple[dict[str, Any], ...]) -> None:
    assert beside.mistakes(one_node(*gpus)) == []


def test_labels_of_several_models_are_labels_however_long_the_names_are() -> None:
    long = [f"RTX PRO {number} Blackwell Workstation Edition" for number in (5000, 6000)]

    assert label_value("B580", "A770") == label_value("A770", "B580") == "A770_B580"
    assert len(label_value(*long)) == LONGEST
    assert label_value(*long) != label_value(long[0], f"{long[1]} Max-Q")


def test_a_host_is_prepared_for_the_cards_of_all_vendors_at_once(tmp_path: Path) -> None:
    stack = {"driver": "packages", "packages": ["nvidia-driver-580-server-open"]}
    declared = one_node(I915, XE, BY_NUMBER, {**INSTINCT, "count": 1}, gpu={"nvidia": stack})
    answers = {
        "stat --printf='%F": "end-of-files",
        "module $m works": [
            "kernel 6.12",
            *(f"module {name} there" for name in ("nouveau", "nvidia", "i915", "xe", "amdgpu")),
        ],
        "dpkg-query": "dpkg",
        "/proc/sys/": "end",
        "getent": "end",
    }
    lock = locked(declared, tmp_path / "lab.lock.yaml")

    with prepared(gpu_hosts.gpu_hosts, declared, worker(declared), lock, answers) as (state, host):
        planned = changes(state, host)

    assert [*planned] == [
        "Install the driver",
        "Hold the driver",
        "Keep nouveau away",
        "Take the cards from nouveau",
        "Load the driver",
        "Have the groups of device nodes",
        "Keep the folders of CDI",
        "Make the folders of CDI",
        "Keep the driver from upgrades at night",
        "Tune the kernel for AMD's GPUs",
    ]
    stacks = {vendor: declared.gpu.stack(vendor) for vendor in worker(declared).gpu_vendors}
    kept = gpu_hosts.upgrades(stacks).decode()
    assert all(name in kept for name in ("intel-graphics", "amd-graphics", "libcuda1", "580"))


def test_a_module_that_an_operator_brings_is_not_loaded_and_the_others_are() -> None:
    declared = one_node(I915, BY_NUMBER, gpu={"nvidia": {"driver": "operator"}})
    stacks = {vendor: declared.gpu.stack(vendor) for vendor in worker(declared).gpu_vendors}

    assert gpu_hosts.modules(worker(declared).gpus, stacks) == ["i915"]
    assert gpu_hosts.modules(worker(one_node(I915, XE, BY_NUMBER)).gpus, stacks) == ["i915", "xe"]


def test_device_nodes_are_the_users_where_one_vendors_plugin_hands_them_over() -> None:
    by_claim, by_number = one_node(ARC, HOPPER), one_node(ARC, INSTINCT)

    def owned(declared: Cluster) -> list[bool]:
        text = containerd.config(declared, worker(declared), "pause").content.decode()
        return [
            "device_ownership_from_security_context = true" in text,
            "nonroot-devices" in config._node(worker(declared)),
        ]

    assert (owned(by_claim), owned(by_number)) == ([False, False], [True, True])


def test_each_vendors_stack_is_told_the_same_as_if_its_cards_were_in_a_node_of_their_own() -> None:
    together, apart = one_node(ARC, CUT, BY_NUMBER), cluster(ARC, CUT, BY_NUMBER)

    assert amd.values(together, pinned(together)) == amd.values(apart, pinned(apart))
    assert nvidia.values(together) == nvidia.values(apart)
    assert intel.driver_values(together) == intel.driver_values(apart)
    assert amd.profiles(together) == {"w1": {"dcm.amd.com/gpu-config-profile": "cpx_nps4"}}


def test_a_vendors_phase_labels_and_waits_for_its_own_cards_alone() -> None:
    declared = one_node(ARC, BATTLEMAGE, BY_NUMBER)

    offers = {vendor: gpu_stack._offers(declared, vendor) for vendor in (Vendor.INTEL, Vendor.NVIDIA)}
    assert [(each.node, each.count, each.driver or each.resource) for each in offers[Vendor.INTEL]] == [
        ("w1", 3, "gpu.intel.com")
    ]
    assert [(each.node, each.count, each.driver or each.resource) for each in offers[Vendor.NVIDIA]] == [
        ("w1", 8, "nvidia.com/gpu")
    ]
    assert [(each.count, each.resource) for each in gpu_stack._offers(one_node(I915, XE), Vendor.INTEL)] == [
        (2, "gpu.intel.com/i915"),
        (1, "gpu.intel.com/xe"),
    ]
    labels = gpu_stack.labels(declared, worker(declared), Vendor.INTEL)
    assert {*labels} == {f"slipway.dev/gpu-intel{each}" for each in ("", "-model", "-allocation")}


def test_labels_of_former_releases_are_forgotten_by_the_last_phase_of_a_nodes_vendors() -> None:
    """Until its own phase a vendor's stack may serve the node by them."""
    three = {**WORKER, "gpus": [BY_NUMBER, INSTINCT, ARC]}
    declared = cluster(nodes=[CP, three, {**WORKER, "name": "w2", "address": "10.0.0.13", "gpus": ARC}])

    assert {vendor.value: gpu_stack.last_served(declared, vendor) for vendor in Vendor} == {
        "intel": ["w2"],
        "amd": [],
        "nvidia": ["w1"],
    }
    assert [
        each.name for each in phases(declared) if each.name in {f"gpu-{vendor}" for vendor in Vendor}
    ] == [f"gpu-{vendor}" for vendor in Vendor]


def test_a_node_keeps_the_gpus_that_its_entries_say() -> None:
    node = worker(one_node(ARC, BY_NUMBER, BATTLEMAGE))

    assert node.gpu_vendors == (Vendor.INTEL, Vendor.NVIDIA)
    assert node.gpus_of(Vendor.INTEL) == (Gpus.model_validate(ARC), Gpus.model_validate(BATTLEMAGE))
    assert [str(node.allocation(vendor)) for vendor in node.gpu_vendors] == ["dra", "device-plugin"]


def test_gpus_are_printed_as_they_are_written_one_by_itself_and_several_in_a_list() -> None:
    rest = {"module": None, "sharing": None, "partitioning": None}
    arc, hopper = {**ARC, "allocation": "dra", **rest}, {**BY_NUMBER, **rest}

    assert validate.summary(cluster(ARC))["gpus"] == {"w1": arc}
    assert validate.summary(one_node(ARC, BY_NUMBER))["gpus"] == {"w1": [arc, hopper]}
    assert "  gpus           2 intel A770 on w1, 8 nvidia H100 on w1" in validate.as_text(
        Path("lab.yaml"), one_node(ARC, BY_NUMBER)
    )
