"""Our values and custom resources, against every key that the vendors' charts know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from deploy.catalog import chart_keys, gpu_needs
from deploy.catalog.chart_keys import ChartKeys
from deploy.catalog.needs import needed
from deploy.model import Cluster
from deploy.plan import phases
from deploy.steps import amd, cert_manager, gpu_hosts, gpu_stack, intel, nfd, nvidia
from tests.unit.gpu.clusters import ARC, HOPPER, INSTINCT, cluster, mixed

WATCHED = {vendor: {"monitoring": True} for vendor in ("intel", "amd", "nvidia")}
PLUGIN = {**ARC, "allocation": "device-plugin", "sharing": {"strategy": "shared", "replicas": 4}}
CUT = {**INSTINCT, "partitioning": {"compute": "CPX", "memory": "NPS4"}}
BY_NUMBER = {**HOPPER, "allocation": "device-plugin"}
SLICED = {**BY_NUMBER, "sharing": {"strategy": "time-slicing", "replicas": 4}}
MPS = {**BY_NUMBER, "sharing": {"strategy": "mps", "replicas": 8}}
MIG = {**BY_NUMBER, "partitioning": {"mig": "all-1g.10gb"}}
BUILT = {"driver_image": "harbor.home.lan/amd/driver", "driver_image_secret": "harbor"}
OPERATED = {"amd": {"driver": "operator", "monitoring": True, **BUILT}}


def pinned(declared: Cluster) -> dict[str, str]:
    return {image.key: f"{image.ref}@sha256:{'0' * 64}" for image in gpu_needs.images(declared)}


def amd_values(*gpus: dict[str, Any], **keys: Any) -> dict[str, Any]:
    declared = cluster(*gpus, **keys)
    return amd.values(declared, pinned(declared))


INTEL_WATCHED = cluster(ARC, gpu={"intel": WATCHED["intel"]})
NVIDIA_SHARED = cluster(SLICED, MPS, MIG, gpu={"nvidia": WATCHED["nvidia"]})
VALUES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "intel": ("intel-gpu-resource-driver", intel.driver_values(mixed())),
    "intel watched": ("intel-gpu-resource-driver", intel.driver_values(INTEL_WATCHED)),
    "intel plugin": ("intel-device-plugins-operator", intel.operator_values()),
    "amd plugin": ("amd-gpu-operator", amd_values(INSTINCT)),
    "amd cut": ("amd-gpu-operator", amd_values(CUT, gpu={"amd": WATCHED["amd"]})),
    "amd dra": ("amd-gpu-operator", amd_values({**INSTINCT, "allocation": "dra"})),
    "amd operated": ("amd-gpu-operator", amd_values(INSTINCT, gpu=OPERATED)),
    "nvidia dra": ("nvidia-gpu-operator", nvidia.values(cluster(HOPPER))),
    "nvidia shared": ("nvidia-gpu-operator", nvidia.values(NVIDIA_SHARED)),
    "nvidia k3s": (
        "nvidia-gpu-operator",
        nvidia.values(cluster(BY_NUMBER, version="v1.36.3+k3s1", kubernetes={"distribution": "k3s"})),
    ),
    "node features": ("node-feature-discovery", nfd.values()),
    "cert-manager": ("cert-manager", cert_manager.values()),
}  # fmt: skip


@pytest.mark.parametrize("name", VALUES)
def test_a_chart_knows_every_value_that_it_is_given(name: str) -> None:
    chart, values = VALUES[name]

    assert chart_keys.load(chart).unknown_values(values) == []


@pytest.mark.parametrize("name", VALUES)
def test_a_misspelt_value_is_found_wherever_it_is(name: str) -> None:
    chart, values = VALUES[name]
    known = chart_keys.load(chart)
    misspelt = [path for path in paths(values) if not is_open(known, path)]

    assert misspelt
    for path in misspelt:
        said = known.unknown_values(changed(values, path))
        assert len(said) == 1, path
        assert ".".join((*path[:-1], f"{path[-1]}x")) in said[0]


def is_open(known: ChartKeys, path: tuple[str, ...]) -> bool:
    """Say whether a key lies where the chart takes whatever it is given."""
    above = (".".join(path[:depth]) for depth in range(1, len(path)))
    return any(known.values.get(each) in ("map", "list", "any") for each in above)


def paths(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for name, value in values.items():
        found.append((*above, name))
        if isinstance(value, dict) and not any("." in key or "/" in key for key in value):
            found += paths(value, (*above, name))
    return found


def changed(values: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the values with an x behind one key."""
    name, *below = path
    return {
        (f"{key}x" if key == name and not below else key): (
            changed(value, tuple(below)) if key == name and below else value
        )
        for key, value in values.items()
    }


def test_what_was_meant_is_named() -> None:
    values = intel.driver_values(mixed())
    values["kubeletPlugin"]["privileg"] = values["kubeletPlugin"].pop("privileged")
    values["nfd"] = {"enabled": "false"}

    assert chart_keys.load("intel-gpu-resource-driver").unknown_values(values) == [
        (
            "intel-gpu-resource-driver knows no value kubeletPlugin.privileg;"
            " did you mean kubeletPlugin.privileged?"
        ),
        "intel-gpu-resource-driver: nfd.enabled is 'false', wanted a boolean",
    ]


def test_the_custom_resources_are_what_their_definitions_know() -> None:
    plugin = intel.plugin(cluster(PLUGIN, gpu={"intel": WATCHED["intel"]}))
    spec = amd_values(CUT, gpu={"amd": WATCHED["amd"]})["deviceConfig"]["spec"]
    config = {"apiVersion": "amd.com/v1alpha1", "kind": "DeviceConfig", "spec": spec}

    assert chart_keys.load("intel-device-plugins-operator").unknown_fields(plugin) == []
    assert chart_keys.load("amd-gpu-operator").unknown_fields(config) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sharedDevNumber": 2}, "no field spec.sharedDevNumber; did you mean spec.sharedDevNum?"),
        ({"sharedDevNum": "2"}, "spec.sharedDevNum is '2', wanted a integer"),
        (
            {"preferredAllocationPolicy": "spread"},
            "spec.preferredAllocationPolicy is 'spread', wanted balanced, packed, none",
        ),
        (
            {"tolerations": [{"operater": "Exists"}]},
            "no field spec.tolerations[].operater; did you mean spec.tolerations[].operator?",
        ),
    ],
)
def test_a_misspelt_field_is_found(change: dict[str, Any], said: str) -> None:
    plugin = intel.plugin(cluster(PLUGIN))
    plugin["spec"] |= change

    assert chart_keys.load("intel-device-plugins-operator").unknown_fields(plugin) == [said]


def test_the_resource_driver_sees_its_cards_without_a_daemon_beside_it() -> None:
    alone = intel.driver_values(mixed())["kubeletPlugin"]
    watched = intel.driver_values(cluster(ARC, gpu={"intel": {"monitoring": True}}))

    assert (alone["healthMonitoring"], alone["privileged"]) == ({"enabled": False}, True)
    assert (watched["xpumdEnabled"], watched["kubeletPlugin"]["privileged"]) == (True, False)
    assert watched["kubeletPlugin"]["healthMonitoring"] == {"enabled": True}


def test_intels_plugin_offers_declared_models_alone() -> None:
    spec = intel.plugin(cluster(PLUGIN))["spec"]

    assert (spec["allowIDs"], spec["sharedDevNum"]) == ("0x56a0", 4)
    assert spec["nodeSelector"] == {
        "slipway.dev/gpu-vendor": "intel",
        "slipway.dev/gpu-allocation": "device-plugin",
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
        "image": "harbor.home.lan/amd/driver",
        "imageRegistrySecret": {"name": "harbor"},
    }


def test_an_instinct_is_cut_by_a_profile_that_its_node_names() -> None:
    declared = cluster(CUT)
    data = amd.values(declared, pinned(declared))["defaultDCMConfigMap"]["data"]["config.json"]

    assert json.loads(data)["gpu-config-profiles"] == {
        "cpx_nps4": {"profiles": [{"computePartition": "CPX", "memoryPartition": "NPS4"}]}
    }
    assert amd.profiles(declared) == {"w1": {"dcm.amd.com/gpu-config-profile": "cpx_nps4"}}


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
        "w1": {"nvidia.com/device-plugin.config": "time-slicing-4"},
        "w2": {"nvidia.com/device-plugin.config": "mps-8"},
        "w3": {"nvidia.com/mig.config": "all-1g.10gb"},
    }


def test_nodes_carry_what_the_operators_look_for_unless_it_is_discovered() -> None:
    own = cluster(INSTINCT, HOPPER)
    discovered = cluster(INSTINCT, HOPPER, gpu={"node_feature_discovery": True})

    assert gpu_stack.labels(own, own.node("w1")) == {
        "slipway.dev/gpu-vendor": "amd",
        "slipway.dev/gpu-model": "MI300X",
        "slipway.dev/gpu-allocation": "device-plugin",
        "feature.node.kubernetes.io/amd-gpu": "true",
    }
    assert "feature.node.kubernetes.io/pci-10de.present" in gpu_stack.labels(own, own.node("w2"))
    assert set(gpu_stack.labels(discovered, discovered.node("w2"))) == {
        "slipway.dev/gpu-vendor",
        "slipway.dev/gpu-model",
        "slipway.dev/gpu-allocation",
    }


def names(declared: Cluster) -> list[str]:
    return [phase.name for phase in phases(declared) if phase.name.startswith(("gpu", "cert", "node-"))]


def test_phases_are_those_that_the_declared_gpus_call_for() -> None:
    assert names(cluster()) == []
    assert names(cluster(ARC)) == ["gpu-hosts", "gpu-intel"]
    assert names(cluster(PLUGIN)) == ["gpu-hosts", "certificates", "gpu-intel"]
    assert names(cluster(INSTINCT, HOPPER, gpu={"node_feature_discovery": True})) == [
        "gpu-hosts",
        "certificates",
        "node-features",
        "gpu-amd",
        "gpu-nvidia",
    ]
    assert names(cluster(INSTINCT, gpu={"amd": {"manifest": "own.yaml"}})) == ["gpu-hosts", "gpu-amd"]


def test_gpu_hosts_are_those_with_gpus() -> None:
    phase = next(phase for phase in phases(mixed()) if phase.name == "gpu-hosts")

    assert phase.hosts(mixed()) == ("w1", "w2", "w3", "w4")


def test_what_is_locked_is_what_the_stacks_install() -> None:
    def keys(*gpus: dict[str, Any], **more: Any) -> set[str]:
        both = needed(cluster(*gpus, **more)), needed(cluster())
        with_gpus, without = ({entry.key for entry in (*each.files, *each.images)} for each in both)
        return with_gpus - without

    assert keys(ARC) == {"intel-gpu-resource-driver-chart"}
    assert keys(PLUGIN) == {"intel-device-plugins-operator-chart", "cert-manager-chart"}
    assert keys(HOPPER, gpu={"node_feature_discovery": True}) == {
        "nvidia-gpu-operator-chart",
        "node-feature-discovery-chart",
    }
    assert keys({**INSTINCT, "allocation": "dra"}) == {
        "amd-gpu-operator-chart",
        "cert-manager-chart",
        "amd-utils",
        "amd-init",
        "amd-dra-driver",
    }
    assert keys(ARC, gpu={"intel": {"manifest": "own.yaml"}}) == set()


def test_a_release_of_the_inventorys_choice_is_the_one_that_is_fetched() -> None:
    declared = cluster(INSTINCT, ARC, gpu={"amd": {"version": "1.5.0"}, "intel": {"version": "0.10.0"}})

    assert [(entry.version, entry.url.rpartition("/")[2]) for entry in gpu_needs.files(declared)] == [
        ("v1.5.0", "gpu-operator-charts-v1.5.0.tgz")
    ]
    assert gpu_needs.images(declared)[0].ref.rpartition(":")[2] == "0.10.0"


def test_unattended_upgrades_leave_the_declared_driver_alone() -> None:
    packages = ["nvidia-driver-580-server-open"]
    declared = cluster(HOPPER, gpu={"nvidia": {"driver": "packages", "packages": packages}})
    gpus = declared.node("w1").gpus
    assert gpus is not None

    assert gpu_hosts.upgrades(gpus, declared.gpu.nvidia).decode().splitlines()[2:] == [
        "Unattended-Upgrade::Package-Blacklist {",
        '    "^linux-objects-nvidia-";',
        '    "^nvidia\\-driver\\-580\\-server\\-open$";',
        "};",
    ]
