"""What each vendor's stack is told, by what the inventory declares."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from deploy.catalog import gpu_needs
from deploy.model import Cluster, Vendor
from deploy.steps import amd, cert_manager, gpu_stack, intel, nvidia
from tests.unit.gpu.clusters import ARC, CP, HOPPER, INSTINCT, WORKER, cluster, mixed
from tests.unit.gpu.stacks import (
    BY_NUMBER,
    CUT,
    MIG,
    MPS,
    OPERATED,
    PLUGIN,
    PLUGIN_IMAGE,
    SLICED,
    TAINT,
    TAINTED,
    WATCHED,
    amd_values,
    pinned,
)

EVERYWHERE = [{"operator": "Exists"}]


def test_the_resource_driver_sees_its_cards_without_a_daemon_beside_it() -> None:
    alone = intel.driver_values(mixed())["kubeletPlugin"]
    watched = intel.driver_values(cluster(ARC, gpu={"intel": {"monitoring": True}}))

    assert (alone["healthMonitoring"], alone["privileged"]) == ({"enabled": False}, True)
    assert (watched["xpumdEnabled"], watched["kubeletPlugin"]["privileged"]) == (True, False)
    assert watched["kubeletPlugin"]["healthMonitoring"] == {"enabled": True}


def test_cert_manager_has_a_node_where_all_workers_are_tainted_for_their_gpus() -> None:
    everywhere = [
        {"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"},
        {"key": "amd.com/gpu", "operator": "Exists"},
    ]
    free = cluster(
        nodes=[CP, {**WORKER, "taints": [TAINT]}, {**WORKER, "name": "w2", "address": "10.0.0.13"}]
    )
    chosen = cert_manager.values(TAINTED)

    assert chosen["tolerations"] == everywhere
    assert [chosen[part] for part in ("webhook", "cainjector")] == [{"tolerations": everywhere}] * 2
    assert cert_manager.values(free) == {
        "crds": {"enabled": True, "keep": True},
        "startupapicheck": {"enabled": False},
    }


def test_intels_plugin_offers_declared_models_alone() -> None:
    spec = intel.plugin(cluster(PLUGIN), PLUGIN_IMAGE)["spec"]

    assert (spec["allowIDs"], spec["sharedDevNum"]) == ("0x56a0", 4)
    assert spec["nodeSelector"] == {
        "slipway.dev/gpu-intel-allocation": "device-plugin",
    }


@pytest.mark.parametrize("allocation", ["dra", "device-plugin"])
def test_amds_operator_never_has_both_ways(allocation: str) -> None:
    spec = amd_values({**INSTINCT, "allocation": allocation})["deviceConfig"]["spec"]

    assert spec["draDriver"]["enable"] is (allocation == "dra")
    assert spec["devicePlugin"]["enableDevicePlugin"] is (allocation == "device-plugin")


def test_nothing_of_amds_runs_from_latest() -> None:
    declared = cluster(CUT, gpu={"amd": {"monitoring": True}})
    text = json.dumps(amd.values(declared, pinned(declared)))
    images = [word for word in text.replace('"', " ").split() if word.startswith("docker.io/")]

    assert len(images) == 6
    assert all("@sha256:" in image for image in images)


def test_amds_remediation_and_second_feature_discovery_stay_out() -> None:
    values = amd_values(INSTINCT)

    assert values["remediation"] == {"enabled": False, "installCRDs": False}
    assert values["node-feature-discovery"] == {"enabled": False}
    assert values["kmm"] == {"enabled": False, "watch": False}
    assert values["deviceConfig"]["spec"]["driver"] == {"enable": False, "blacklist": False}


def test_amds_own_driver_keeps_the_kernels_away() -> None:
    values = amd_values(INSTINCT, gpu=OPERATED)

    assert values["kmm"] == {"enabled": True, "watch": True}
    assert values["deviceConfig"]["spec"]["driver"] == {
        "enable": True,
        "blacklist": True,
        "tolerations": EVERYWHERE,
        "image": "harbor.home.lan/amd/driver",
        "imageRegistrySecret": {"name": "harbor"},
    }


def test_a_stack_runs_on_nodes_that_are_tainted_for_the_sake_of_their_gpus() -> None:
    watched = amd_values(INSTINCT, gpu={"amd": WATCHED["amd"]})["deviceConfig"]["spec"]

    assert watched["devicePlugin"]["devicePluginTolerations"] == EVERYWHERE
    assert watched["metricsExporter"]["tolerations"] == EVERYWHERE
    for gpus in (BY_NUMBER, HOPPER):
        assert nvidia.values(cluster(gpus))["daemonsets"] == {"tolerations": EVERYWHERE}


@pytest.mark.parametrize("driver", ["host", "operator"])
def test_the_labeller_that_keeps_it_away_runs_beside_the_dra_driver_too(driver: str) -> None:
    by_claim = {**INSTINCT, "allocation": "dra"}
    plugin = amd_values(by_claim, gpu=OPERATED if driver == "operator" else {})["deviceConfig"]["spec"]
    own = plugin["devicePlugin"]

    assert (own["enableDevicePlugin"], own["enableNodeLabeller"]) == (False, driver == "operator")
    assert ("nodeLabellerImage" in own) is (driver == "operator")


def test_an_instinct_is_cut_by_a_profile_that_its_node_names() -> None:
    declared = cluster(CUT)
    data = amd.values(declared, pinned(declared))["defaultDCMConfigMap"]["data"]["config.json"]

    assert json.loads(data)["gpu-config-profiles"] == {
        "cpx_nps4": {"profiles": [{"computePartition": "CPX", "memoryPartition": "NPS4"}]}
    }
    assert amd.profiles(declared) == {"w1": {"dcm.amd.com/gpu-config-profile": "cpx_nps4"}}


def test_what_uses_cards_goes_while_they_are_cut() -> None:
    tainted = cluster(CUT).model_dump(mode="json")
    tainted["nodes"][1]["taints"] = [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}]
    declared = Cluster.model_validate(tainted)
    spec = amd.values(declared, pinned(declared))["deviceConfig"]["spec"]
    tolerated = [spec["devicePlugin"][f"{each}Tolerations"] for each in ("devicePlugin", "nodeLabeller")]

    keys = ("node-role.kubernetes.io/control-plane", "dedicated")
    assert tolerated == [[{"key": key, "operator": "Exists"} for key in keys]] * 2
    assert spec["configManager"]["configManagerTolerations"] == [{"operator": "Exists"}]


@pytest.mark.parametrize("by_claim", [True, False])
def test_nvidias_operator_has_one_of_its_two_resources(by_claim: bool) -> None:
    values = nvidia.values(cluster(HOPPER if by_claim else BY_NUMBER))

    assert values["gpuCluster"] == {"deployCR": by_claim}
    assert values["clusterPolicy"] == {"deployCR": not by_claim}


def test_the_resource_of_the_other_way_goes_first() -> None:
    kinds = [nvidia.other(cluster(gpus))["kind"] for gpus in (HOPPER, BY_NUMBER)]

    assert kinds == ["ClusterPolicy", "GPUCluster"]


def test_nvidias_own_driver_is_a_resource_of_its_own_beside_a_gpucluster() -> None:
    operated = {"nvidia": {"driver": "operator"}}
    drivers = [nvidia.values(cluster(gpus, gpu=operated))["driver"] for gpus in (HOPPER, BY_NUMBER)]

    assert drivers == [
        {"enabled": True, "nvidiaDriverCRD": {"enabled": True}},
        {"enabled": True, "nvidiaDriverCRD": {"enabled": False}},
    ]


def test_time_slicing_and_mps_are_two_things_and_mig_a_third() -> None:
    declared = cluster(SLICED, MPS, MIG)
    data = nvidia.values(declared)["devicePlugin"]["config"]["data"]
    resource = {"name": "nvidia.com/gpu", "replicas": 4}

    assert {name: yaml.safe_load(text) for name, text in data.items()} == {
        "whole": {"version": "v1"},
        "time-slicing-4": {
            "version": "v1",
            "sharing": {
                "timeSlicing": {
                    "renameByDefault": False,
                    "failRequestsGreaterThanOne": True,
                    "resources": [resource],
                }
            },
        },
        "mps-8": {
            "version": "v1",
            "sharing": {"mps": {"renameByDefault": False, "resources": [{**resource, "replicas": 8}]}},
        },
    }
    assert nvidia.labels(declared) == {
        "w1": {"nvidia.com/device-plugin.config": "time-slicing-4", "nvidia.com/mig.config": "all-disabled"},
        "w2": {"nvidia.com/device-plugin.config": "mps-8", "nvidia.com/mig.config": "all-disabled"},
        "w3": {"nvidia.com/mig.config": "all-1g.10gb"},
    }


def test_nodes_carry_what_the_operators_look_for_unless_it_is_discovered() -> None:
    own = cluster(INSTINCT, HOPPER)
    discovered = cluster(INSTINCT, HOPPER, gpu={"node_feature_discovery": True})

    assert gpu_stack.labels(own, own.node("w1"), Vendor.AMD) == {
        "slipway.dev/gpu-amd": "true",
        "slipway.dev/gpu-amd-model": "MI300X",
        "slipway.dev/gpu-amd-allocation": "device-plugin",
        "feature.node.kubernetes.io/amd-gpu": "true",
    }
    of_nvidia = gpu_stack.labels(own, own.node("w2"), Vendor.NVIDIA)
    assert "feature.node.kubernetes.io/pci-10de.present" in of_nvidia
    assert set(gpu_stack.labels(discovered, discovered.node("w2"), Vendor.NVIDIA)) == {
        "slipway.dev/gpu-nvidia",
        "slipway.dev/gpu-nvidia-model",
        "slipway.dev/gpu-nvidia-allocation",
    }


@pytest.mark.parametrize(
    ("gpus", "nvidia_stack", "discovered"),
    [
        (HOPPER, {}, False),
        (HOPPER, {"driver": "operator"}, True),
        (BY_NUMBER, {}, True),
        (BY_NUMBER, {"manifest": "own.yaml"}, False),
    ],
)
def test_nvidias_operator_is_told_the_systems_release_where_it_asks_for_it(
    gpus: dict[str, Any], nvidia_stack: dict[str, Any], discovered: bool
) -> None:
    declared = cluster(gpus, INSTINCT, gpu={"nvidia": nvidia_stack})
    of_nvidia = gpu_stack.labels(declared, declared.node("w1"), Vendor.NVIDIA)
    of_amd = gpu_stack.labels(declared, declared.node("w2"), Vendor.AMD)

    assert gpu_needs.wants_node_features(declared) is discovered
    assert ("feature.node.kubernetes.io/pci-10de.present" in of_nvidia) is not discovered
    assert "feature.node.kubernetes.io/amd-gpu" in of_amd
