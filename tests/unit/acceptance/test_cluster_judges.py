"""The cluster as its API shows it: good, broken one way at a time, and silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from clusters import CLUSTER, CONFIGZ, deployment, node, seen

from checks.cluster.judges import judge
from checks.cluster.snapshot import Answer, silent
from checks.finding import Finding, Status
from deploy.model import Cluster

Lists = dict[str, list[dict[str, Any]]]


def bad(findings: list[Finding]) -> list[tuple[str, str | None, str, str]]:
    return [
        (each.check, each.host, str(each.status), f"found {each.found}, wanted {each.wanted}")
        for each in findings
        if each.status is not Status.PASS
    ]


def test_a_good_cluster_passes_every_judge_with_what_was_seen() -> None:
    findings = judge(CLUSTER, seen())

    assert [(each.check, each.host, each.status.value, each.found) for each in findings] == [
        ("K8S-14", None, "pass", "ok"),
        ("K8S-02", None, "pass", "API server v1.36.3"),
        ("K8S-01", "cp1", "pass", "Ready at 10.0.0.11"),
        ("K8S-01", "w1", "pass", "Ready at 10.0.0.12"),
        ("K8S-02", "cp1", "pass", "kubelet v1.36.3"),
        ("K8S-02", "w1", "pass", "kubelet v1.36.3"),
        ("K8S-04", "cp1", "pass", "9/9 settings in effect"),
        ("K8S-04", "w1", "pass", "9/9 settings in effect"),
        ("K8S-08", "w1", "pass", "tier=gpu"),
        ("K8S-09", "cp1", "pass", "4/4 static pods"),
        (
            "K8S-09",
            None,
            "pass",
            "kube-proxy 2/2, CoreDNS 2/2, flannel 2/2, MetalLB controller 1/1, MetalLB speaker 2/2",
        ),
        ("LB-02", None, "pass", "w1 can announce"),
        ("LB-03", None, "pass", "10.0.0.200/31, announced"),
    ]


def test_a_silent_api_leaves_nothing_to_pass() -> None:
    findings = judge(CLUSTER, silent(CLUSTER, "connection refused"))

    assert {each.status for each in findings} == {Status.FAIL, Status.UNAVAILABLE}
    assert [each.check for each in findings if each.status is Status.FAIL] == ["K8S-14"]
    # what may be left of things that are not declared any more is told only while there is some
    left = {"GPU-18", "SRV-11"}
    assert {each.check for each in findings} == {each.check for each in judge(CLUSTER, seen())} | left


def not_ready(lists: Lists) -> None:
    ready = lists["nodes"][1]["status"]["conditions"][0]
    ready.update(status="Unknown", reason="NodeStatusUnknown", message="Kubelet stopped posting")


def pressed(lists: Lists) -> None:
    lists["nodes"][1]["status"]["conditions"].append({"type": "DiskPressure", "status": "True"})


def speakers_excluded(lists: Lists) -> None:
    lists["nodes"][1]["metadata"]["labels"]["node.kubernetes.io/exclude-from-external-load-balancers"] = ""


def desired_nothing(lists: Lists) -> None:
    lists["daemonsets"][2]["status"] = {"desiredNumberScheduled": 0, "numberReady": 0}


SYSTEM = "kube-proxy 2/2, CoreDNS 2/2, flannel 2/2, MetalLB controller 1/1, MetalLB speaker 2/2"
COMPLETE = "each complete, and at least one"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (not_ready, ("K8S-01", "w1", "found not Ready at 10.0.0.12, wanted Ready at 10.0.0.12")),
        (pressed, ("K8S-01", "w1", "found Ready at 10.0.0.12, DiskPressure, wanted Ready at 10.0.0.12")),
        (
            lambda lists: lists["nodes"][1]["spec"].update(unschedulable=True),
            ("K8S-01", "w1", "found Ready at 10.0.0.12, cordoned, wanted Ready at 10.0.0.12"),
        ),
        (
            lambda lists: lists["nodes"][1]["status"]["addresses"][0].update(address="10.0.0.99"),
            ("K8S-01", "w1", "found Ready at 10.0.0.99, wanted Ready at 10.0.0.12"),
        ),
        (
            lambda lists: lists["nodes"].append(node("old", "10.0.0.13")),
            ("K8S-01", "old", "found in the cluster, wanted not in the inventory"),
        ),
        (
            lambda lists: lists["nodes"][1]["status"]["nodeInfo"].update(kubeletVersion="v1.35.4"),
            ("K8S-02", "w1", "found kubelet v1.35.4, wanted v1.36.3"),
        ),
        (
            lambda lists: lists["nodes"][1]["metadata"]["labels"].clear(),
            ("K8S-08", "w1", "found missing: tier=gpu, wanted tier=gpu"),
        ),
        (
            lambda lists: lists["pods"].pop(0),
            ("K8S-09", "cp1", "found 3/4 static pods, not etcd, wanted 4/4"),
        ),
        (
            lambda lists: lists["deployments"].__setitem__(0, deployment("kube-system", "coredns", 2, 1)),
            ("K8S-09", None, f"found {SYSTEM.replace('CoreDNS 2/2', 'CoreDNS 1/2')}, wanted {COMPLETE}"),
        ),
        (
            lambda lists: lists["deployments"].__setitem__(0, deployment("kube-system", "coredns", 0, 0)),
            ("K8S-09", None, f"found {SYSTEM.replace('CoreDNS 2/2', 'CoreDNS 0/0')}, wanted {COMPLETE}"),
        ),
        (
            lambda lists: lists["daemonsets"].pop(1),
            ("K8S-09", None, f"found {SYSTEM.replace('flannel 2/2', 'flannel missing')}, wanted {COMPLETE}"),
        ),
        (
            desired_nothing,
            ("K8S-09", None, f"found {SYSTEM.replace('speaker 2/2', 'speaker 0/0')}, wanted {COMPLETE}"),
        ),
        (
            lambda lists: lists["daemonsets"][0]["status"].update(
                desiredNumberScheduled=1, numberReady=1, updatedNumberScheduled=1
            ),
            (
                "K8S-09",
                None,
                f"found {SYSTEM.replace('kube-proxy 2/2', 'kube-proxy 1/2')}, wanted {COMPLETE}",
            ),
        ),
        (
            speakers_excluded,
            ("LB-02", None, "found no node can announce, excluded: w1, wanted at least one node can"),
        ),
        (
            lambda lists: lists["pools"].clear(),
            ("LB-03", None, "found no address, announced by nobody, wanted 10.0.0.200-10.0.0.201, announced"),
        ),
        (
            lambda lists: lists["pools"][0]["spec"].update(addresses=["10.0.0.200-10.0.0.205"]),
            (
                "LB-03",
                None,
                "found 10.0.0.200-10.0.0.205, announced, wanted 10.0.0.200-10.0.0.201, announced",
            ),
        ),
        (
            lambda lists: lists["advertisements"].clear(),
            (
                "LB-03",
                None,
                "found 10.0.0.200/31, announced by nobody, wanted 10.0.0.200-10.0.0.201, announced",
            ),
        ),
    ],
)
def test_one_fault_is_one_failure(
    change: Callable[[Lists], Any], expected: tuple[str, str | None, str]
) -> None:
    check, host, said = expected

    assert (check, host, "fail", said) in bad(judge(CLUSTER, seen(change)))


def declaring(*taints: dict[str, str]) -> Cluster:
    cp1, w1 = CLUSTER.model_dump(mode="json")["nodes"]
    nodes = [cp1, {**w1, "taints": taints}]
    return Cluster.model_validate({**CLUSTER.model_dump(mode="json"), "nodes": nodes})


YES = "gpu=yes:NoSchedule"


def by_hand(lists: Lists) -> None:
    lists["nodes"][1]["spec"]["taints"] = [
        {"key": "gpu", "value": "broken", "effect": "NoSchedule"},
        {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"},
    ]


def test_a_taint_that_nobody_declared_is_found_where_taints_are_declared() -> None:
    none, one = declaring(), declaring({"key": "gpu", "value": "yes", "effect": "NoSchedule"})

    assert [each for each in bad(judge(CLUSTER, seen(by_hand))) if each[0] == "K8S-08"] == []
    assert [each for each in bad(judge(none, seen(by_hand))) if each[0] == "K8S-08"] == [
        ("K8S-08", "w1", "fail", "found not declared: gpu=broken:NoSchedule, wanted tier=gpu")
    ]
    assert [each for each in bad(judge(one, seen(by_hand))) if each[0] == "K8S-08"] == [
        (
            "K8S-08",
            "w1",
            "fail",
            f"found missing: {YES}; not declared: gpu=broken:NoSchedule, wanted tier=gpu, {YES}",
        )
    ]
    assert [each for each in bad(judge(none, seen())) if each[0] == "K8S-08"] == []


def test_only_an_unready_node_brings_others_down_with_it() -> None:
    assert [each[:2] for each in bad(judge(CLUSTER, seen(pressed)))] == [("K8S-01", "w1")]


def configured(cluster: Cluster, **changed: Any) -> Finding:
    """Return what is said of w1's kubelet, which runs with something else."""
    snapshot = seen()
    answer = Answer(json.dumps({"kubeletconfig": {**CONFIGZ, **changed}}))
    [finding] = [
        each
        for each in judge(cluster, replace(snapshot, configz={**snapshot.configz, "w1": answer}))
        if each.check == "K8S-04" and each.host == "w1"
    ]
    return finding


def with_settings(**kubernetes: Any) -> Cluster:
    data = CLUSTER.model_dump(mode="json", exclude_defaults=True)
    return Cluster.model_validate({**data, "kubernetes": {**data.get("kubernetes", {}), **kubernetes}})


def test_a_kubelet_that_runs_with_another_setting_is_named_with_both_values() -> None:
    finding = configured(CLUSTER, cgroupDriver="cgroupfs", systemReserved={"cpu": "100m"})

    assert (finding.status, finding.found, finding.wanted) == (
        Status.FAIL,
        "6/9 settings in effect, not cgroupDriver, systemReserved.ephemeral-storage, systemReserved.memory",
        "9/9",
    )
    assert finding.detail == (
        "cgroupDriver: found 'cgroupfs', wanted 'systemd'\n"
        "systemReserved.memory: found None, wanted '256Mi'\n"
        "systemReserved.ephemeral-storage: found None, wanted '1Gi'"
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": True}}},
            "authentication.anonymous.enabled: found True, wanted False",
        ),
        (
            {"authorization": {"mode": "AlwaysAllow"}},
            "authorization.mode: found 'AlwaysAllow', wanted 'Webhook'",
        ),
        ({"shutdownGracePeriod": "0s"}, "shutdownGracePeriod: found '0s', wanted '30s'"),
    ],
)
def test_a_kubelet_that_anybody_may_ask_or_that_lets_no_pod_end_is_not_as_it_was_given(
    changed: dict[str, Any], told: str
) -> None:
    finding = configured(CLUSTER, **changed)

    assert (finding.status, finding.detail) == (Status.FAIL, told)


def test_what_an_inventory_sets_goes_over_ours_and_durations_count_by_their_length() -> None:
    declared = with_settings(
        kubelet={"maxPods": 7, "shutdownGracePeriod": "90s", "imageMinimumGCAge": "5m", "readOnlyPort": 0}
    )

    assert configured(declared).detail == (
        "imageMinimumGCAge: found None, wanted '5m'\n"
        "maxPods: found 110, wanted 7\n"
        "shutdownGracePeriod: found '30s', wanted '90s'"
    )
    good = configured(declared, maxPods=7, shutdownGracePeriod="1m30s", imageMinimumGCAge="5m0s")
    assert (good.status, good.found) == (Status.PASS, "12/12 settings in effect")


def test_a_gate_that_another_component_alone_has_is_not_asked_of_the_kubelet() -> None:
    declared = with_settings(feature_gates={"ControllerManagerReleaseLeaderElectionLockOnExit": True})

    assert configured(declared).status is Status.PASS
    for_all = configured(with_settings(feature_gates={"AllAlpha": True}))
    assert for_all.detail == "featureGates.AllAlpha: found None, wanted True"


def test_a_kubelet_that_does_not_answer_is_not_taken_for_configured() -> None:
    snapshot = seen()
    silent_kubelet = replace(snapshot, configz={**snapshot.configz, "w1": Answer(cause="timed out")})

    assert ("K8S-04", "w1", "unavailable", "found timed out, wanted ") in bad(judge(CLUSTER, silent_kubelet))
