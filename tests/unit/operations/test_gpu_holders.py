"""Models of the inventory are stopped where their GPUs are given away anew; nobody else is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.model import Allocation
from deploy.model.row import Disturbs
from deploy.observe import gpu_use
from deploy.operations import gpu_holders, gpu_parts, gpus
from deploy.operations.gpu_holders import Holding, Served
from tests.unit.operations.conftest import Plan, Planned, read
from tests.unit.operations.test_gpu_parts import node
from tests.unit.operations.test_gpus import claim, listed, pod

LABELS = {"slipway.dev/model": "qwen", "app.kubernetes.io/component": "server"}
QWEN = Served("qwen", "models", "model-qwen", LABELS, 90)
SCALE = "kubectl -n models scale deployment/model-qwen --replicas=0"
PODS = "kubectl -n models get pods -l slipway.dev/model=qwen,app.kubernetes.io/component=server -o name"


def holding(vendor: str) -> Holding:
    prefixes = {"intel": "gpu.intel.com", "amd": "amd.com", "nvidia": "nvidia.com"}
    return Holding(f"gpu.{vendor}.com", (prefixes[vendor],), (QWEN,), "serving")


def owned(found: dict[str, Any], kind: str, name: str, **labels: str) -> dict[str, Any]:
    owner = {"kind": kind, "name": name, "controller": True}
    return {**found, "metadata": {**found["metadata"], "ownerReferences": [owner], "labels": labels}}


def served(name: str = "model-qwen-6f-x", **limits: str) -> dict[str, Any]:
    found = owned(pod(name, "w1", "Running", **limits), "ReplicaSet", "model-qwen-6f")
    return {**found, "metadata": {**found["metadata"], "labels": {**LABELS, "pod-template-hash": "6f"}}}


def reserved(found: dict[str, Any], *pods: str) -> dict[str, Any]:
    users = [{"resource": "pods", "name": name, "uid": "1"} for name in pods]
    return {**found, "status": {**found["status"], "reservedFor": users}}


def handed(plan: Plan, way: Allocation, pods: list[Any], claims: list[Any]) -> Planned:
    answers = {"/api/v1/pods": read(*pods), "get resourceclaims": listed(claims)}
    return plan(gpus.handed_over, {"w1": way}, holding("intel"), answers=answers)


@pytest.mark.parametrize(
    ("way", "pods", "claims", "held"),
    [
        (
            Allocation.DRA,
            [served(**{"gpu.intel.com_xe": "1"})],
            [],
            "models/model-qwen-6f-x holds gpu.intel.com/xe",
        ),
        (
            Allocation.DEVICE_PLUGIN,
            [served()],
            [reserved(claim("gpus", "w1"), "model-qwen-6f-x")],
            "claim models/gpus holds card0",
        ),
    ],
)
def test_a_model_that_holds_gpus_in_the_way_its_node_leaves_is_stopped(
    plan: Plan, way: Allocation, pods: list[Any], claims: list[Any], held: str
) -> None:
    planned = handed(plan, way, pods, claims)

    stopped = "qwen is stopped for that, and started again by the phase serving"
    assert planned.reasons == [f"w1: {held}", stopped]
    assert planned.notes.disturbs is Disturbs.MODEL
    [command] = planned.commands
    assert SCALE in command


def test_nothing_is_stopped_where_somebody_else_holds_one_too(plan: Plan) -> None:
    with pytest.raises(HostError) as caught:
        handed(
            plan,
            Allocation.DRA,
            [
                served(**{"gpu.intel.com_xe": "1"}),
                owned(pod("web-5d-x", "w1", "Running", **{"gpu.intel.com_xe": "1"}), "ReplicaSet", "web-5d")
                | {"spec": pod("", "w1", "Running", **{"gpu.intel.com_xe": "1"})["spec"]},
            ],
            [],
        )

    assert str(caught.value) == (
        f"w1: models/web-5d-x holds gpu.intel.com/xe\n{gpus.LEFT} End them, then apply again:\n"
        "  kubectl -n models scale replicaset web-5d --replicas=0"
    )


def test_a_claim_that_another_pod_shares_with_a_model_is_not_taken_for_the_models(plan: Plan) -> None:
    both = reserved(claim("gpus", "w1"), "model-qwen-6f-x", "tune")

    with pytest.raises(HostError) as caught:
        handed(plan, Allocation.DEVICE_PLUGIN, [served(), pod("tune", "w1", "Running")], [both])

    assert str(caught.value).splitlines()[0] == "w1: claim models/gpus holds card0"
    assert str(caught.value).splitlines()[2:] == ["  kubectl -n models delete pod tune"]


def test_a_claim_that_is_yet_to_go_after_its_pod_holds_nothing(plan: Plan) -> None:
    mine = owned(reserved(claim("gpus", "w1"), "model-qwen-6f-x"), "Pod", "model-qwen-6f-x")

    gone = handed(plan, Allocation.DEVICE_PLUGIN, [pod("tune", "w1", "Running")], [mine])
    there = handed(plan, Allocation.DEVICE_PLUGIN, [served()], [mine])

    assert (gone.commands, gone.reasons) == ([], [])
    assert there.reasons[0] == "w1: claim models/gpus holds card0"


@pytest.mark.parametrize(
    ("holder", "command"),
    [
        (owned(pod("web-5d-x", "w1", "Running"), "ReplicaSet", "web-5d", **{"pod-template-hash": "5d"}),
         "scale deployment web --replicas=0"),
        (owned(pod("db-0", "w1", "Running"), "StatefulSet", "db"), "scale statefulset db --replicas=0"),
        (owned(pod("tune-x", "w1", "Running"), "Job", "tune"), "delete job tune"),
        (pod("alone", "w1", "Running"), "delete pod alone"),
    ],
)  # fmt: skip
def test_what_ends_a_pod_names_who_would_make_it_again(holder: dict[str, Any], command: str) -> None:
    assert gpu_use.ends(holder) == f"kubectl -n models {command}"


def test_a_model_is_stopped_before_its_cards_are_cut(plan: Plan) -> None:
    answers = {
        "/api/v1/nodes": read(node("w1", None)),
        "/api/v1/pods": read(served(**{"amd.com_gpu": "8"})),
        "get resourceclaims": listed([]),
    }

    planned = plan(gpu_parts.cut, {"w1": "cpx_nps4"}, holding("amd"), answers=answers)

    stops, cuts = planned.commands
    assert SCALE in stops
    assert "label node w1" in cuts
    assert planned.notes.disturbs is Disturbs.MODEL


MIG = "nvidia.com/mig.config"


def labelled(layout: str | None = None) -> dict[str, Any]:
    found = node("w1", None)
    return {**found, "metadata": {"name": "w1", "labels": {MIG: layout} if layout else {}}}


def unused(plan: Plan, live: dict[str, Any], layout: str, *pods: dict[str, Any]) -> Planned:
    answers = {
        "/api/v1/nodes": read(live),
        "/api/v1/pods": read(*pods),
        "get resourceclaims": listed([]),
    }
    arguments = ({"w1": layout, "w2": layout}, MIG, "all-disabled", holding("nvidia"))
    return plan(gpu_parts.unused, *arguments, answers=answers)


@pytest.mark.parametrize("live", [labelled(), labelled("all-2g.20gb")])
def test_a_model_is_stopped_before_another_label_has_its_cards_cut(plan: Plan, live: dict[str, Any]) -> None:
    planned = unused(plan, live, "all-1g.10gb", served(**{"nvidia.com_gpu": "1"}))

    assert planned.reasons[0] == "w1: models/model-qwen-6f-x holds nvidia.com/gpu"
    assert SCALE in planned.commands[0]


@pytest.mark.parametrize(
    ("live", "layout"), [(labelled("all-1g.10gb"), "all-1g.10gb"), (labelled(), "all-disabled")]
)
def test_cards_that_are_cut_as_declared_are_left_to_who_holds_them(
    plan: Plan, live: dict[str, Any], layout: str
) -> None:
    planned = unused(plan, live, layout, served(**{"nvidia.com_gpu": "1"}))

    assert (planned.commands, planned.reasons) == ([], [])


def test_cards_that_another_pod_holds_are_not_cut_by_a_label(plan: Plan) -> None:
    with pytest.raises(HostError) as caught:
        unused(plan, labelled(), "all-1g.10gb", pod("tune", "w1", "Running", **{"nvidia.com_gpu": "1"}))

    assert str(caught.value) == (
        "w1: models/tune holds nvidia.com/gpu\n"
        "A GPU that is in use cannot be cut. End them, then apply again:\n"
        "  kubectl -n models delete pod tune"
    )


def ran(tmp_path: Path, get: str, seconds: int) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run what stops a model; `get` is what kubectl does when it is asked for the pods."""
    kubectl, told = tmp_path / "kubectl", tmp_path / "told"
    kubectl.write_text(f'#!/bin/sh\necho "kubectl $*" >> {told}\ncase "$*" in *"get pods"*) {get} ;; esac\n')
    kubectl.chmod(0o755)
    served = Served(QWEN.name, QWEN.namespace, QWEN.workload, QWEN.labels, seconds)
    done = subprocess.run(
        ["sh", "-c", f"{gpu_holders.script(served)}\necho next"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, told.read_text().splitlines()


def test_a_model_is_stopped_when_its_pods_are_gone(tmp_path: Path) -> None:
    done, told = ran(tmp_path, ":", 5)

    assert (done.returncode, done.stdout, told) == (0, "next\n", [SCALE, PODS])


@pytest.mark.parametrize(("get", "left"), [("echo pod/x", " pod/x"), ("exit 1", "")])
def test_pods_that_do_not_end_or_cannot_be_asked_for_end_the_wait(
    tmp_path: Path, get: str, left: str
) -> None:
    done, _ = ran(tmp_path, get, 0)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"the pods of qwen have not ended after 0 s:{left}\n"
