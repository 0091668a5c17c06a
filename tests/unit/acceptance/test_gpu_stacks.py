"""GPU-18: stacks that run on, and that the inventory does not ask for any more."""

from __future__ import annotations

from typing import Any

import pytest
from clusters import CLUSTER, daemonset, deployment, namespace, seen

from checks.cluster import gpu_stacks
from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Finding, Status
from deploy.model import Cluster
from deploy.steps import amd, intel, nfd, nvidia

OURS = {"app.kubernetes.io/managed-by": "slipway"}
AGAIN = "Declare its GPUs again, or remove it while nothing holds them"
NO_FEATURES = "helm uninstall node-feature-discovery -n node-feature-discovery"
RELEASES = {
    intel.DRIVER: intel.DRIVER,
    intel.PLUGINS: intel.OPERATOR,
    amd.NAMESPACE: amd.RELEASE,
    nvidia.NAMESPACE: nvidia.RELEASE,
    nfd.NAMESPACE: nfd.RELEASE,
}


def declared(vendor: str, model: str, way: str, **keys: Any) -> Cluster:
    inventory = CLUSTER.model_dump(mode="json")
    inventory["nodes"][1]["gpus"] = {"vendor": vendor, "model": model, "count": 1, "allocation": way}
    return Cluster.model_validate({**inventory, **keys})


def running(*homes: str, **labels: str) -> Snapshot:
    def add(lists: dict[str, list[dict[str, Any]]]) -> None:
        lists["namespaces"] += [namespace(home, **(labels or OURS)) for home in homes]
        lists["deployments"] += [deployment(home, "operator", 1, 1) for home in homes]
        lists["daemonsets"] += [daemonset(home, "plugin") for home in homes]

    return seen(add)


def said(cluster: Cluster, snapshot: Snapshot) -> list[tuple[Status, str, str]]:
    found: list[Finding] = [*gpu_stacks.left(cluster, snapshot)]
    assert [each.check for each in found] in ([], ["GPU-18"])
    return [(each.status, each.found, each.remedy) for each in found]


def test_what_removes_a_stack_names_its_release_and_namespace() -> None:
    assert {home: command for home, (_, command) in gpu_stacks.REMOVED.items()}.keys() == RELEASES.keys()
    for home, release in RELEASES.items():
        assert gpu_stacks.REMOVED[home][1].endswith(f"helm uninstall {release} -n {home}")


def test_a_vendor_that_was_taken_out_is_named_with_what_removes_its_stack() -> None:
    assert said(CLUSTER, running("gpu-operator", "node-feature-discovery")) == [
        (
            Status.FAIL,
            "NVIDIA's GPU operator in gpu-operator; Node Feature Discovery in node-feature-discovery",
            f"{AGAIN}: helm uninstall nvidia-gpu-operator -n gpu-operator; {NO_FEATURES}",
        )
    ]


def test_what_found_nodes_for_the_way_that_was_left_is_named() -> None:
    by_claim = declared("nvidia", "H100", "dra")

    [(status, found, _)] = said(by_claim, running("gpu-operator", "node-feature-discovery"))

    assert (status, found) == (Status.FAIL, "Node Feature Discovery in node-feature-discovery")


def test_a_chart_beside_the_manifest_that_took_its_place_is_named() -> None:
    own = declared("amd", "MI300X", "dra", gpu={"amd": {"manifest": "own.yaml"}})

    assert said(own, running("kube-amd-gpu"))[0][:2] == (
        Status.FAIL,
        "AMD's GPU operator in kube-amd-gpu",
    )


def test_what_is_declared_or_not_ours_or_runs_nothing_is_left_alone() -> None:
    nvidia_own, both = declared("nvidia", "H100", "device-plugin"), ("gpu-operator", "node-feature-discovery")
    empty = seen(lambda lists: lists["namespaces"].append(namespace("gpu-operator", **OURS)))

    assert [each[:2] for each in said(nvidia_own, running(*both))] == [(Status.PASS, "none")]
    assert said(CLUSTER, running(*both, owner="somebody")) == []
    assert said(CLUSTER, empty) == []


@pytest.mark.parametrize("kind", ["namespaces", "deployments", "daemonsets"])
def test_what_cannot_be_read_is_said_whether_gpus_are_declared_or_not(kind: str) -> None:
    answers = {**running("gpu-operator").answers, kind: Answer(cause="timed out")}

    for cluster in (declared("intel", "A770", "dra"), CLUSTER):
        assert [each[:2] for each in said(cluster, Snapshot(answers))] == [(Status.UNAVAILABLE, "timed out")]
