"""Cards are cut while nobody uses them, and a node is open to pods again however that ends."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.operations import gpu_parts
from deploy.operations.gpu_holders import Holding
from tests.unit.operations.conftest import NO_CLUSTER, Plan, Planned, read
from tests.unit.operations.test_gpus import listed, pod

PROFILE = "dcm.amd.com/gpu-config-profile"
LEFT = {"key": "amd-dcm", "value": "up", "effect": "NoExecute"}
TAINTED = "taint node w1 amd-dcm=up:NoExecute --overwrite"
OPEN = "taint node w1 amd-dcm:NoExecute-"
THERE = (
    "get pods -n kube-amd-gpu -l app.kubernetes.io/name=device-config-manager"
    " --field-selector spec.nodeName=w1,status.phase=Running -o name"
)


def node(name: str, profile: str | None, *taints: dict[str, str], state: str = "success") -> dict[str, Any]:
    labels = {PROFILE: profile, f"{PROFILE}-state": state} if profile else {}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": list(taints)}}


def cut(plan: Plan, nodes: list[Any], pods: list[Any] | None = None) -> Planned:
    answers = {
        "/api/v1/nodes": read(*nodes),
        "/api/v1/pods": read(*(pods or [])),
        "get resourceclaims": listed([]),
    }
    return plan(gpu_parts.cut, {"w1": "cpx_nps4"}, Holding("gpu.amd.com", ("amd.com",)), answers=answers)


def test_cards_that_were_cut_are_left_alone(plan: Plan) -> None:
    planned = cut(plan, [node("w1", "cpx_nps4")])

    assert (planned.commands, planned.reasons) == ([], [])


@pytest.mark.parametrize(
    "there",
    [
        node("w1", None),
        node("w1", "spx_nps1"),
        node("w1", "cpx_nps4", LEFT),
        node("w1", "cpx_nps4", state="failure"),
    ],
)
def test_cards_that_are_whole_half_done_or_whole_again_are_cut(plan: Plan, there: dict[str, Any]) -> None:
    planned = cut(plan, [there])

    assert planned.reasons == [
        "w1's cards are cut to cpx_nps4; pods that do not tolerate amd-dcm leave it for that"
    ]
    assert len(planned.commands) == 1


def test_a_node_that_has_not_joined_is_waited_for(plan: Plan) -> None:
    planned = cut(plan, [node("w2", None)])

    assert (planned.commands, planned.reasons) == ([], ["w1 is not a node of the cluster yet"])
    assert planned.notes.until == "workers"


def test_before_there_is_a_cluster_the_cut_is_planned(plan: Plan) -> None:
    planned = plan(
        gpu_parts.cut, {"w1": "cpx_nps4"}, Holding("x", ("y",)), answers={"/api/v1/nodes": NO_CLUSTER}
    )

    assert planned.commands == ["true"]


def test_cards_that_a_pod_holds_are_not_cut(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        cut(plan, [node("w1", None)], [pod("llama", "w1", "Running", **{"amd.com_gpu": "1"})])

    assert str(error.value) == (
        "w1: models/llama holds amd.com/gpu\n"
        "A GPU that is in use cannot be cut. End them, then apply again:\n"
        "  kubectl -n models delete pod llama"
    )


def ran(
    tmp_path: Path, state: str, cutter: str = "pod/x"
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script with a kubectl that writes down what it is told; `cutter` is who cuts."""
    kubectl, told = tmp_path / "kubectl", tmp_path / "told"
    kubectl.write_text(
        f'#!/bin/sh\necho "$*" >> {told}\ncase "$1 $2" in\n'
        f'"get pods") printf %s {cutter!r} ;; "get node") printf %s {state!r} ;; esac\n'
    )
    kubectl.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", f"{gpu_parts.script('w1', 'cpx_nps4')}\necho next"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done, told.read_text().splitlines()


def test_a_node_is_freed_labelled_and_opened_again(tmp_path: Path) -> None:
    done, told = ran(tmp_path, "success")

    assert (done.returncode, done.stdout) == (0, "next\n")
    assert told == [
        THERE,
        f"label node w1 {PROFILE}- {PROFILE}-state-",
        TAINTED,
        f"label node w1 {PROFILE}=cpx_nps4",
        r"get node w1 -o jsonpath={.metadata.labels.dcm\.amd\.com/gpu-config-profile-state}",
        OPEN,
    ]


def test_a_cut_that_fails_opens_the_node_and_leaves_no_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_parts, "PATIENCE", 0)

    done, told = ran(tmp_path, "failure")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "w1 was not cut to cpx_nps4, the config manager says so in `kubectl logs"
        " -n kube-amd-gpu -l app.kubernetes.io/name=device-config-manager`: failure\n"
    )
    assert told[-2:] == [f"label node w1 {PROFILE}-", OPEN]


def test_no_pod_leaves_a_node_before_somebody_runs_who_cuts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_parts, "PATIENCE", 0)

    done, told = ran(tmp_path, "success", cutter="")

    assert (done.returncode, told) == (1, [THERE])
    assert done.stderr == (
        "w1 has no config manager that runs, so its cards were not cut; see `kubectl get pods"
        " -n kube-amd-gpu -l app.kubernetes.io/name=device-config-manager -o wide`\n"
    )
