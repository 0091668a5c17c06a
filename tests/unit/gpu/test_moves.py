"""GPUs that were given away in the other way, as a plan: the old stack goes before the new one comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pyinfra.api import State

from deploy.catalog import LockError, gpu_needs
from deploy.errors import HostError
from deploy.model import Cluster
from deploy.operations import notes
from deploy.steps import amd, intel, nvidia
from tests.unit.fake_host import DIGEST, locked, prepared
from tests.unit.gpu.clusters import ARC, HOPPER, INSTINCT, cluster
from tests.unit.gpu.stacks import MIG
from tests.unit.observe.test_helm import secret
from tests.unit.operations.conftest import MISSING, read
from tests.unit.operations.test_gpus import claim, listed, pod

PLUGIN = {**ARC, "allocation": "device-plugin"}
BY_NUMBER = {**HOPPER, "allocation": "device-plugin"}
NOTHING = listed([])
LIVING = {
    "/api/v1/nodes": read({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "w1"}, "status": {}}),
    "/api/v1/pods": read({"apiVersion": "v1", "kind": "PodList", "items": []}),
    "kubectl": NOTHING,
    "curl": MISSING,
    "stat --printf='file": "end-of-artifacts",
}
INTEL = "ghcr.io/intel/intel-resource-drivers-for-kubernetes/intel-gpu-resource-driver-chart"
SURE = "Make sure that no GPU is given away twice"


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., list[tuple[str, str]]]:
    """Return a function that plans a vendor's step on a living cluster: every operation with its end."""

    def run(
        step: Callable[[], Any], declared: Cluster, answers: Mapping[str, str] = MappingProxyType({})
    ) -> list[tuple[str, str]]:
        lock = locked(declared, tmp_path / "lab.lock.yaml")
        responses = {**answers, **LIVING, **answers}  # the first that fits is taken
        control_plane = declared.nodes[0]
        with prepared(step, declared, control_plane, lock, responses, compare=False) as (state, host):
            return [_end(state, host, id_) for id_ in host.op_hash_order]

    return run


def _end(state: State, host: Any, id_: str) -> tuple[str, str]:
    name = state.ops[host][id_].global_arguments["name"]
    with notes.listening() as said:
        try:
            commands = list(state.ops[host][id_].command_generator())
        except HostError as error:
            return name, f"error: {str(error).splitlines()[0]}"
    return name, "; ".join(said.reasons) or "change" if commands else "none"


def ours(number: int = 1) -> str:
    return read(secret(number, "deployed", desired="abc"))


def own(kind: str, version: str, name: str, labels: Mapping[str, str]) -> str:
    metadata = {"name": name, "labels": dict(labels)}
    return read({"apiVersion": version, "kind": kind, "metadata": metadata})


PLUGIN_OBJECT = own(
    "GpuDevicePlugin", "deviceplugin.intel.com/v1", "slipway", {"app.kubernetes.io/managed-by": "slipway"}
)


def test_intels_device_plugin_goes_before_the_resource_driver_comes(
    plan: Callable[..., list[tuple[str, str]]],
) -> None:
    answers = {"name%3Dintel-device-plugins-operator": ours(), "/gpudeviceplugins/": PLUGIN_OBJECT}

    rows = plan(intel.intel, cluster(ARC), answers)

    assert [name for name, _ in rows] == [
        SURE,
        "Label the nodes",
        "Remove the device plugin",
        "Remove its operator",
        "Make the driver's namespace",
        "Install the resource driver",
        "Wait for the GPUs",
        "Forget labels of former releases",
    ]
    assert (rows[0], rows[2:4]) == (
        (SURE, "none"),
        [
            ("Remove the device plugin", "GpuDevicePlugin slipway is no longer declared"),
            (
                "Remove its operator",
                "release intel-device-plugins/intel-device-plugins-operator is no longer declared",
            ),
        ],
    )


def test_intels_resource_driver_goes_before_the_device_plugin_comes(
    plan: Callable[..., list[tuple[str, str]]],
) -> None:
    rows = plan(intel.intel, cluster(PLUGIN), {"name%3Dintel-gpu-resource-driver": ours()})

    assert rows[0] == (SURE, "none")
    assert rows[2] == (
        "Remove the resource driver",
        "release intel-gpu-resource-driver/intel-gpu-resource-driver is no longer declared",
    )
    assert [name for name, _ in rows].index("Run the device plugin") > 2


@pytest.mark.parametrize(
    ("step", "gpus", "held", "said"),
    [
        (
            intel.intel,
            ARC,
            {
                "/api/v1/pods": read(
                    {
                        "apiVersion": "v1",
                        "kind": "PodList",
                        "items": [pod("llama", "w1", "Running", **{"gpu.intel.com_xe": "1"})],
                    }
                )
            },
            "error: w1: models/llama holds gpu.intel.com/xe",
        ),
        (
            intel.intel,
            PLUGIN,
            {"get resourceclaims": listed([claim("llama", "w1")])},
            "error: w1: claim models/llama holds card0",
        ),
        (
            amd.amd,
            {**INSTINCT, "allocation": "dra"},
            {
                "/api/v1/pods": read(
                    {
                        "apiVersion": "v1",
                        "kind": "PodList",
                        "items": [pod("llama", "w1", "Running", **{"amd.com_gpu": "8"})],
                    }
                )
            },
            "error: w1: models/llama holds amd.com/gpu",
        ),
        (
            nvidia.nvidia,
            HOPPER,
            {
                "/api/v1/pods": read(
                    {
                        "apiVersion": "v1",
                        "kind": "PodList",
                        "items": [pod("llama", "w1", "Running", **{"nvidia.com_gpu": "1"})],
                    }
                )
            },
            "error: w1: models/llama holds nvidia.com/gpu",
        ),
    ],
)
def test_the_plan_says_who_still_holds_a_gpu_in_the_old_way(
    plan: Callable[..., list[tuple[str, str]]],
    step: Callable[[], Any],
    gpus: dict[str, Any],
    held: dict[str, str],
    said: str,
) -> None:
    rows = plan(step, cluster(gpus), held)

    assert (SURE, said) in rows
    assert [name for name, _ in rows].index(SURE) == 0


def test_cards_are_asked_for_their_holders_before_a_label_has_them_cut(
    plan: Callable[..., list[tuple[str, str]]],
) -> None:
    held = read(
        {
            "apiVersion": "v1",
            "kind": "PodList",
            "items": [pod("llama", "w1", "Running", **{"nvidia.com_gpu": "1"})],
        }
    )

    rows = plan(nvidia.nvidia, cluster(MIG), {"/api/v1/pods": held})

    assert rows[0] == (
        "Make sure that no GPU in use is cut",
        "error: w1: models/llama holds nvidia.com/gpu",
    )
    assert [name for name, _ in rows[:3]].index("Label the nodes") == 2


def test_a_node_that_joins_the_way_of_others_is_asked_before_its_label_lets_that_in(
    plan: Callable[..., list[tuple[str, str]]],
) -> None:
    """w1 leaves the plugin, which w2 keeps, and the driver of w3 would start on it by its label."""
    held = read(
        {
            "apiVersion": "v1",
            "kind": "PodList",
            "items": [pod("llama", "w1", "Running", **{"gpu.intel.com_xe": "1"})],
        }
    )

    rows = plan(intel.intel, cluster(ARC, PLUGIN, ARC), {"/api/v1/pods": held})

    assert rows[0] == (SURE, "error: w1: models/llama holds gpu.intel.com/xe")
    assert not [name for name, _ in rows if name.startswith("Remove")]


@pytest.mark.parametrize(
    ("gpus", "kind", "version", "name"),
    [
        (HOPPER, "ClusterPolicy", "nvidia.com/v1", "cluster-policy"),
        (BY_NUMBER, "GPUCluster", "nvidia.com/v1alpha1", "gpu-cluster"),
    ],
)
def test_nvidias_other_resource_goes_before_the_operator_is_changed(
    plan: Callable[..., list[tuple[str, str]]],
    gpus: dict[str, Any],
    kind: str,
    version: str,
    name: str,
) -> None:
    by_helm = own(kind, version, name, {"app.kubernetes.io/managed-by": "Helm"})

    rows = plan(nvidia.nvidia, cluster(gpus), {f"/{name}": by_helm})

    assert rows[0] == (SURE, "none")
    assert rows[2] == ("Remove the way that is left", f"{kind} {name} is no longer declared")
    assert [each for each, _ in rows].index("Install the GPU operator") > 2


def test_the_operator_of_amd_is_told_both_in_one_resource() -> None:
    """Its DeviceConfig turns the plugin off and the driver on at once, and the operator refuses both."""
    declared = cluster({**INSTINCT, "allocation": "dra"})
    images = {image.key: image.ref for image in gpu_needs.images(declared)}
    spec = amd.values(declared, images)["deviceConfig"]["spec"]

    assert (spec["devicePlugin"], spec["draDriver"]["enable"]) == (
        {"enableDevicePlugin": False, "enableNodeLabeller": False},
        True,
    )
    assert json.dumps(spec).count('"enable": true') == 1


@pytest.mark.parametrize(
    ("step", "gpus", "older", "said"),
    [
        (
            intel.intel,
            ARC,
            {"intel": {"version": "0.10.0"}},
            f"intel-gpu-resource-driver-chart is {INTEL}:0.10.0@{DIGEST}, wanted {INTEL}:0.11.1",
        ),
        (
            amd.amd,
            INSTINCT,
            {"amd": {"version": "1.5.0"}},
            "amd-gpu-operator-chart is v1.5.0, wanted v1.5.1",
        ),
    ],
)
def test_a_release_that_was_changed_after_it_was_locked_is_refused(
    step: Callable[[], Any], gpus: dict[str, Any], older: dict[str, Any], said: str, tmp_path: Path
) -> None:
    lock = locked(cluster(gpus, gpu=older), tmp_path / "lab.lock.yaml")
    declared = cluster(gpus)

    with (
        pytest.raises(LockError) as error,
        prepared(step, declared, declared.nodes[0], lock, LIVING, compare=False),
    ):
        pass

    assert str(error.value) == (
        f"{lock}: {said}; nothing is installed unverified. Run: slipway artifacts lock {tmp_path}/lab.yaml"
    )
