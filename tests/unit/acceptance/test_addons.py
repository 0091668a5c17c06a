"""K8S-09 of what is added to a cluster: volumes, certificates, features, GPUs."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from clusters import CLUSTER, LISTS, daemonset, deployment, pod, seen

from checks.cluster.workloads import system_workloads
from checks.finding import Finding, Status
from deploy.model import Cluster

BASE = "kube-proxy 2/2, CoreDNS 2/2, flannel 2/2, MetalLB controller 1/1, MetalLB speaker 2/2"
CERTIFICATES = ("cert-manager", "cert-manager-webhook", "cert-manager-cainjector")
GOOD = [
    deployment("local-path-storage", "local-path-provisioner", 1, 1),
    *(deployment("cert-manager", name, 1, 1) for name in CERTIFICATES),
    deployment("node-feature-discovery", "node-feature-discovery-master", 1, 1),
    deployment("kube-amd-gpu", "amd-gpu-operator-gpu-operator-charts-controller-manager", 1, 1),
    deployment("kube-amd-gpu", "amd-gpu-operator-kmm-controller", 1, 1),
]
ALL = (
    "local-path-provisioner 1/1, cert-manager 1/1, cert-manager-webhook 1/1, cert-manager-cainjector 1/1, "
    "NFD master 1/1, NFD worker 2/2, AMD's GPU operator 2/2"
)


def declared(vendor: str = "amd", model: str = "MI300X", way: str = "dra") -> Cluster:
    inventory = CLUSTER.model_dump(mode="json")
    inventory["nodes"][1]["gpus"] = {"vendor": vendor, "model": model, "count": 1, "allocation": way}
    found = vendor != "intel"
    return Cluster.model_validate({**inventory, "storage": {}, "gpu": {"node_feature_discovery": found}})


def judged(cluster: Cluster, deployments: list[dict[str, Any]], *pods: dict[str, Any]) -> Finding:
    def add(lists: dict[str, list[dict[str, Any]]]) -> None:
        lists["deployments"] += copy.deepcopy(deployments)
        lists["daemonsets"].append(daemonset("node-feature-discovery", "node-feature-discovery-worker"))
        lists["pods"] += pods

    assert not any(each["metadata"]["namespace"] == "cert-manager" for each in LISTS["deployments"])
    [finding] = system_workloads(cluster, seen(add))
    return finding


def test_add_ons_that_are_up_are_named() -> None:
    finding = judged(declared(), GOOD)

    assert (finding.status, finding.found) == (Status.PASS, f"{BASE}, {ALL}")


@pytest.mark.parametrize("missing", range(len(GOOD) - 2))
def test_one_that_is_gone_is_missed(missing: int) -> None:
    finding = judged(declared(), GOOD[:missing] + GOOD[missing + 1 :])

    assert finding.status is Status.FAIL
    assert finding.found.count("missing") == 1


def test_one_that_crashes_says_why() -> None:
    crashed = deployment("cert-manager", "cert-manager-webhook", 1, 0)
    down = pod("cert-manager", "cert-manager-webhook-x", "w1", ready="False")
    down["status"]["containerStatuses"] = [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    finding = judged(declared(), [*GOOD[:2], crashed, *GOOD[3:]], down)

    assert finding.status is Status.FAIL
    assert "cert-manager-webhook 0/1" in finding.found
    assert finding.detail == "cert-manager/cert-manager-webhook-x: CrashLoopBackOff"


@pytest.mark.parametrize(
    ("vendor", "model", "way", "title"),
    [
        ("nvidia", "H100", "dra", "NVIDIA's GPU operator missing"),
        ("amd", "MI300X", "device-plugin", "AMD's GPU operator missing"),
        ("intel", "A770", "dra", "Intel's GPU driver missing"),
        ("intel", "A770", "device-plugin", "Intel's device plugin missing"),
    ],
)
def test_each_stack_has_its_own(vendor: str, model: str, way: str, title: str) -> None:
    assert title in judged(declared(vendor, model, way), []).found


def test_without_add_ons_none_is_wanted() -> None:
    assert judged(CLUSTER, []).found == BASE
