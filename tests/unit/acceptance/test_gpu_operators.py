"""Vendors' operators, by the objects that they report in; and DRA, by who was told to leave it off."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checks.cluster import balancer, claims, gpu_operators
from checks.cluster.snapshot import Answer, Snapshot, paths, silent
from checks.finding import Finding
from deploy.model import Cluster

CP = {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}
UNKNOWN = Answer(cause="status 404: 404 page not found")


def cluster(vendor: str, model: str, allocation: str, **changes: Any) -> Cluster:
    gpus = {"vendor": vendor, "model": model, "count": 8, "allocation": allocation}
    node = {"name": "g1", "address": "10.0.0.12", "roles": ["worker"], "gpus": gpus}
    return Cluster.model_validate({"name": "lab", "nodes": [CP, node], **changes})


NVIDIA, CLAIMED = cluster("nvidia", "H100", "device-plugin"), cluster("nvidia", "H100", "dra")
AMD = cluster("amd", "MI300X", "device-plugin")


def line(each: Finding) -> str:
    return f"{each.status.value} {each.check} {each.host or '-'}: {each.found}"


def said(declared: Cluster, answer: Answer) -> list[str]:
    [plural] = [
        name for name in paths(declared) if name in ("clusterpolicies", "gpuclusters", "deviceconfigs")
    ]
    return [line(each) for each in gpu_operators.ready(declared, Snapshot({plural: answer}))]


def items(**states: Any) -> Answer:
    return Answer(
        json.dumps({"items": [{"metadata": {"name": name}, "status": each} for name, each in states.items()]})
    )


def conditions(ready: str, error: str, message: str = "") -> list[dict[str, str]]:
    return [
        {"type": "Ready", "status": ready, "reason": "OperatorReady", "message": message},
        {"type": "Error", "status": error, "reason": "Error", "message": message},
    ]


def test_each_operator_is_asked_for_the_object_that_it_was_given() -> None:
    assert paths(NVIDIA)["clusterpolicies"] == "/apis/nvidia.com/v1/clusterpolicies"
    assert paths(CLAIMED)["gpuclusters"] == "/apis/nvidia.com/v1alpha1/gpuclusters"
    assert paths(AMD)["deviceconfigs"] == "/apis/amd.com/v1alpha1/deviceconfigs"


@pytest.mark.parametrize(
    ("declared", "answer", "expected"),
    [
        (NVIDIA, items(policy={"state": "ready"}), "pass NV-05 -: policy is ready"),
        (
            CLAIMED,
            items(cluster={"state": "ready", "conditions": conditions("True", "False")}),
            "pass NV-05 -: cluster is ready",
        ),
        (
            NVIDIA,
            items(
                policy={"state": "notReady", "conditions": conditions("False", "True", "driver pod crashes")}
            ),
            "fail NV-05 -: policy is notReady: driver pod crashes",
        ),
        (
            NVIDIA,
            items(policy={"state": "ready"}, other={"state": "ignored"}),
            "fail NV-05 -: policy is ready; other is ignored",
        ),
        (NVIDIA, items(), "fail NV-05 -: no ClusterPolicy"),
        (CLAIMED, UNKNOWN, "fail NV-05 -: no GPUCluster"),
        (CLAIMED, Answer(cause="timed out"), "unavailable NV-05 -: timed out"),
        (AMD, items(default={"conditions": conditions("True", "False")}), "pass AMD-05 -: default is ready"),
        (
            AMD,
            items(default={"conditions": conditions("True", "True", "no such image")}),
            "fail AMD-05 -: default is not ready: no such image",
        ),
        (
            AMD,
            items(default={"conditions": conditions("False", "False")}),
            "fail AMD-05 -: default is not ready: OperatorReady",
        ),
        (AMD, items(default={}), "fail AMD-05 -: default is not ready"),
    ],
)
def test_what_an_operator_reports_is_what_is_said(declared: Cluster, answer: Answer, expected: str) -> None:
    assert said(declared, answer) == [expected]


def test_where_a_manifest_takes_the_place_of_a_chart_no_operator_is_asked() -> None:
    own = cluster("nvidia", "H100", "dra", gpu={"nvidia": {"manifest": "nvidia.yaml"}})

    assert list(gpu_operators.ready(own, silent(own, "timed out"))) == []
    assert not {"clusterpolicies", "gpuclusters"} & paths(own).keys()


GATE = "DynamicResourceAllocation"


def gated(kubelet: dict[str, bool] | None, *flags: str) -> list[str]:
    """Return what is said with these gates of the node's kubelet, and these flags of the scheduler."""
    settings = {} if kubelet is None else {"featureGates": kubelet}
    answer = Answer(json.dumps({"kubeletconfig": settings}))
    pods = [
        {
            "metadata": {"namespace": "kube-system", "name": f"{part}-cp1"},
            "spec": {"containers": [{"command": [part, *(flags if part == "kube-scheduler" else ())]}]},
        }
        for part in claims.COMPONENTS
    ]
    seen = Snapshot({"pods": Answer(json.dumps({"items": pods}))}, {"cp1": answer, "g1": answer})
    judges = (claims.on_in_kubelets, claims.on_in_control_planes)
    return [line(each) for judge in judges for each in judge(CLAIMED, seen)]


@pytest.mark.parametrize("gates", [None, {}, {GATE: True}, {"Other": False}])
def test_dra_is_on_where_nobody_switched_it_off(gates: dict[str, bool] | None) -> None:
    assert gated(gates, "--feature-gates=Other=false", f"--feature-gates={GATE}=true") == [
        f"pass DRA-01 g1: {GATE} is on in its kubelet",
        f"pass DRA-01 -: {GATE} is on in the control plane",
    ]


def test_whoever_was_told_to_leave_dra_off_is_named() -> None:
    assert gated({GATE: False}, f"--feature-gates=Other=true,{GATE}=false") == [
        f"fail DRA-01 g1: {GATE} is off in its kubelet",
        f"fail DRA-01 -: {GATE} is off in kube-scheduler-cp1",
    ]


def test_a_control_plane_that_is_not_there_is_not_judged() -> None:
    seen = Snapshot({"pods": Answer('{"items": []}')})
    parts = ", ".join(f"{part}-cp1" for part in claims.COMPONENTS)

    assert [line(each) for each in claims.on_in_control_planes(CLAIMED, seen)] == [
        f"unavailable DRA-01 -: nothing is known of {parts} (K8S-09)"
    ]


@pytest.mark.parametrize(
    ("answer", "why"),
    [(Answer(cause="timed out"), "timed out"), (Answer('{"kind": "Status"}'), "no kubeletconfig")],
)
def test_a_kubelet_that_does_not_say_is_not_judged(answer: Answer, why: str) -> None:
    assert [line(each) for each in claims.on_in_kubelets(CLAIMED, Snapshot({}, {"g1": answer}))] == [
        f"unavailable DRA-01 g1: {why}"
    ]


def test_without_claims_nobody_asks_for_dra() -> None:
    assert [*claims.on_in_kubelets(NVIDIA, Snapshot({}))] == []
    assert [*claims.on_in_control_planes(NVIDIA, Snapshot({}))] == []


K3S = Cluster.model_validate(
    {
        "name": "lab",
        "nodes": [CP],
        "kubernetes": {"distribution": "k3s", "version": "v1.36.3+k3s1"},
        "load_balancer": {"pool": ["10.0.0.200-10.0.0.201"]},
    }
)


def owners(*names: str, text: str | None = None) -> list[str]:
    daemonsets = [{"metadata": {"namespace": "kube-system", "name": name}} for name in names]
    answer = Answer(json.dumps({"items": daemonsets}) if text is None else text, cause="timed out")
    return [line(each) for each in balancer.one_owner(K3S, Snapshot({"daemonsets": answer}))]


def test_servicelb_beside_the_declared_load_balancer_is_named() -> None:
    assert owners("metallb-speaker") == ["pass LB-01 -: metallb alone"]
    assert owners("svclb-traefik-1a2b", "metallb-speaker") == ["fail LB-01 -: metallb and svclb-traefik-1a2b"]
    assert owners(text="?") == ["unavailable LB-01 -: the API answered '?'"]


def test_only_k3s_brings_one_of_its_own() -> None:
    assert [*balancer.one_owner(NVIDIA, Snapshot({}))] == []


def claim(name: str, *holders: tuple[str, str, str], namespace: str = "models") -> dict[str, Any]:
    reserved = [{"resource": kind, "name": holder, "uid": uid} for kind, holder, uid in holders]
    status = {"allocation": {"devices": {"results": []}}, "reservedFor": reserved}
    return {"metadata": {"namespace": namespace, "name": name}, "status": status}


def holding(*held: dict[str, Any]) -> list[str]:
    pods = [{"metadata": {"namespace": "models", "name": "qwen", "uid": "1"}}]
    lists = {"pods": pods, "resourceclaims": [*held, {"metadata": {"namespace": "models", "name": "waits"}}]}
    seen = Snapshot({name: Answer(json.dumps({"items": items})) for name, items in lists.items()})
    return [line(each) for each in claims.leaked(CLAIMED, seen)]


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (claim("gpus", ("pods", "qwen", "1")), "pass DRA-05 -: 1 claims hold GPUs"),
        # one for several pods is held while one of them is there
        (claim("gpus", ("pods", "old", "9"), ("pods", "qwen", "1")), "pass DRA-05 -: 1 claims hold GPUs"),
        (claim("gpus", ("jobs", "tune", "7")), "pass DRA-05 -: 1 claims hold GPUs"),
        # it is taken back in the next moment
        (claim("gpus"), "pass DRA-05 -: 1 claims hold GPUs"),
        (claim("gpus", ("pods", "qwen", "0")), "fail DRA-05 -: models/gpus is held for qwen"),
        # a pod that was made since the pods were listed, or has ended since the claims were
        (
            claim("one", ("pods", "one", "5"), namespace="slipway-verify-1-gpus"),
            "pass DRA-05 -: 0 claims hold GPUs",
        ),
    ],
)
def test_a_claim_for_pods_that_are_gone_is_leaked(held: dict[str, Any], expected: str) -> None:
    assert holding(held) == [expected]


def test_claims_that_cannot_be_read_are_not_called_free() -> None:
    silence = silent(CLAIMED, "timed out")

    assert [line(each) for each in claims.leaked(CLAIMED, silence)] == ["unavailable DRA-05 -: timed out"]
    assert [*claims.leaked(NVIDIA, silence)] == []
