"""GPUs as the cluster gives them away: waited for, and never given twice."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.model import Allocation
from deploy.operations import folders, gpus, groups, helm, kube
from deploy.operations.gpu_holders import Holding
from deploy.operations.gpus import Offer
from tests.unit.observe.test_helm import secret
from tests.unit.operations.conftest import MISSING, NO_CLUSTER, Plan, read

LIVE = "=== slipway live"
CLAIMED = Offer("w1", 2, "gpu.intel.com", "gpu.intel.com/xe")
COUNTED = Offer("w2", 8, None, "amd.com/gpu")
WAYS = {"w1": Allocation.DRA, "w2": Allocation.DEVICE_PLUGIN}
HOLDING = Holding("gpu.intel.com", ("amd.com", "gpu.intel.com"))


def listed(objects: Iterable[Any]) -> str:
    return "\n".join([LIVE, *map(json.dumps, objects)])


def node(name: str, **allocatable: str) -> dict[str, Any]:
    offers = {key.replace("_", "/"): value for key, value in allocatable.items()}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": {"allocatable": offers}}


def slice_of(name: str, node: str, count: int) -> dict[str, Any]:
    devices = [{"name": f"card{number}"} for number in range(count)]
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": name},
        "spec": {"driver": "gpu.intel.com", "nodeName": node, "devices": devices},
    }


def pod(name: str, node: str, phase: str, **limits: str) -> dict[str, Any]:
    held = {key.replace("_", "/", 1): value for key, value in limits.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "models"},
        "spec": {"nodeName": node, "containers": [{"name": "c", "resources": {"limits": held}}]},
        "status": {"phase": phase},
    }


def claim(name: str, node: str, *, admin: bool = False) -> dict[str, Any]:
    result = {"driver": "gpu.intel.com", "pool": node, "device": "card0", "request": "gpu"}
    if admin:
        result |= {"adminAccess": True}
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceClaim",
        "metadata": {"name": name, "namespace": "models"},
        "status": {"allocation": {"devices": {"results": [result]}}},
    }


def offered(plan: Plan, nodes: list[Any], slices: list[Any]):
    answers = {"/api/v1/nodes": read(*nodes), "get resourceslices": listed(slices)}
    return plan(gpus.offered, [CLAIMED, COUNTED], "gpu-intel", answers=answers)


def test_nodes_that_offer_what_they_have_are_left_alone(plan: Plan) -> None:
    eight = {"apiVersion": "v1", **node("w2"), "status": {"allocatable": {"amd.com/gpu": "8"}}}

    planned = offered(plan, [node("w1"), eight], [slice_of("a", "w1", 1), slice_of("b", "w1", 1)])

    assert (planned.commands, planned.reasons) == ([], [])


def test_a_node_that_offers_too_few_is_waited_for(plan: Plan) -> None:
    planned = offered(plan, [node("w1"), node("w2")], [slice_of("a", "w1", 1)])

    assert planned.reasons == ["w1 offers 1 of 2 gpu.intel.com", "w2 offers 0 of 8 amd.com/gpu"]
    assert len(planned.commands) == 1


def test_before_there_is_a_cluster_the_wait_is_planned(plan: Plan) -> None:
    planned = plan(gpus.offered, [CLAIMED], "gpu-intel", answers={"/api/v1/nodes": NO_CLUSTER})

    assert len(planned.commands) == 1


@pytest.mark.parametrize(
    ("offer", "answer", "said"),
    [
        (CLAIMED, "gpu.intel.com/w1 card0 card1\ngpu.intel.com/w3 card0\n", None),
        (CLAIMED, "gpu.intel.com/w1 card0\ngpu.intel.com/w1 card1\n", None),
        (CLAIMED, "gpu.intel.com/w1 card0\ngpu.nvidia.com/w1 gpu-0\n", "w1 offers 1 of 2 gpu.intel.com\n"),
        (CLAIMED, "", "w1 offers 0 of 2 gpu.intel.com\n"),
        (COUNTED, "8", None),
        (COUNTED, "7", "w2 offers 7 of 8 amd.com/gpu\n"),
        (COUNTED, "", "w2 offers 0 of 8 amd.com/gpu\n"),
    ],
)
def test_the_wait_counts_what_kubectl_shows(
    tmp_path: Path, offer: Offer, answer: str, said: str | None
) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    kubectl.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"

    ran = subprocess.run(
        ["sh", "-c", gpus.script([offer], [], 0)],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == ((0, "") if said is None else (1, said))


WAITING = """driver-x on w1: ContainersNotReady containers with unready status: [driver]; PodInitializing
plugin-y on w1:
"""


def test_what_the_pods_of_a_stack_wait_for_is_said_with_what_is_missing(tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(
        f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> {tmp_path}/told\n"
        f"case $* in *'get pods'*) cat <<'END'\n{WAITING}END\n;; esac\n"
    )
    kubectl.chmod(0o755)

    ran = subprocess.run(
        ["sh", "-c", gpus.script([COUNTED, CLAIMED], ["kube-amd-gpu"], 0)],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr.splitlines()) == (
        1,
        ["w2 offers 0 of 8 amd.com/gpu", WAITING.splitlines()[0]],
    )
    [asked] = [each for each in (tmp_path / "told").read_text().splitlines() if "get pods" in each]
    assert asked.startswith("-n kube-amd-gpu get pods")
    # in a JSONPath a line's end is written; a real one is a string without an end, which kubectl refuses
    assert asked.endswith('{"\\n"}{end}')


def handed(plan: Plan, pods: list[Any], claims: list[Any]):
    answers = {
        "/api/v1/pods": read({"apiVersion": "v1", "kind": "PodList", "items": pods}),
        "get resourceclaims": listed(claims),
    }
    return plan(gpus.handed_over, WAYS, HOLDING, answers=answers)


def test_a_gpu_that_is_held_in_the_way_its_node_has_left_stops_the_change(plan: Plan) -> None:
    with pytest.raises(HostError) as caught:
        handed(
            plan,
            [pod("old", "w1", "Running", **{"gpu.intel.com_xe": "1"})],
            [claim("older", "w2")],
        )

    assert str(caught.value) == (
        "w1: models/old holds gpu.intel.com/xe\n"
        "w2: claim models/older holds card0\n"
        "These got their GPUs in the way that the inventory has left, and two ways at once would give one GPU"
        " to two pods. End them, then apply again:\n"
        "  kubectl -n models delete pod old\n"
        "  kubectl -n models delete resourceclaim older"
    )


def test_what_is_held_in_the_declared_way_or_no_more_stops_nothing(plan: Plan) -> None:
    planned = handed(
        plan,
        [
            pod("done", "w1", "Succeeded", **{"gpu.intel.com_xe": "1"}),
            pod("plain", "w1", "Running", cpu="1"),
            pod("counted", "w2", "Running", **{"amd.com_gpu": "1"}),
        ],
        [claim("mine", "w1"), claim("watch", "w2", admin=True)],
    )

    assert planned.commands == []


def test_a_resource_is_a_word_to_the_shell_whatever_its_name(tmp_path: Path) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("#!/bin/sh\necho 1\n")
    kubectl.chmod(0o755)
    odd = f"x.y/'; touch {tmp_path}/run; '%s"
    script = gpus.script([Offer("w1", 2, None, odd)], [], 0)

    ran = subprocess.run(
        ["sh", "-c", script], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True
    )

    assert (ran.returncode, ran.stderr) == (1, f"w1 offers 1 of 2 {odd}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["kubectl"]


def test_kernel_parameters_that_this_kernel_lacks_are_left_out(plan: Plan) -> None:
    path = "/etc/sysctl.d/91-slipway-gpu.conf"
    answers = {"stat --printf='%F": ["end-of-files"], "/proc/sys/": ["end"]}

    planned = plan(gpus.tuned, {"kernel.numa_balancing": 0}, {}, path, answers=answers)

    assert planned.commands == []


def test_groups_and_folders_that_are_there_are_left_alone(plan: Plan) -> None:
    made = plan(groups.present, ["render", "video"], answers={"getent group": ["video"]})
    folded = plan(folders.present, ["/etc/cdi", "/run/cdi"], answers={"[ -d": ["/etc/cdi"]})

    assert (made.commands, made.reasons) == (["groupadd --system -- render"], ["group render is missing"])
    assert (folded.commands, folded.reasons) == (["install -d -m 0755 -- /run/cdi"], ["/run/cdi is missing"])


def test_a_release_that_is_no_longer_declared_is_uninstalled_if_it_is_ours(plan: Plan) -> None:
    ours, theirs = secret(1, "deployed", desired="abc"), secret(1, "deployed")

    planned = plan(helm.uninstalled, "x", "y", answers={"/secrets?": read(ours)})
    nothing = plan(helm.uninstalled, "x", "y", answers={"/secrets?": MISSING})
    with pytest.raises(HostError) as caught:
        plan(helm.uninstalled, "x", "y", answers={"/secrets?": read(theirs)})

    assert planned.reasons == ["release y/x is no longer declared"]
    assert planned.commands[0].endswith("helm uninstall x --namespace y --wait --timeout=300s")
    assert (nothing.commands, nothing.reasons) == ([], [])
    assert str(caught.value) == (
        "release y/x is in the way and was not made by slipway; remove it: helm uninstall x --namespace y"
    )


def test_an_object_that_is_no_longer_declared_is_deleted_if_it_is_ours(plan: Plan) -> None:
    wish = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "y"}}
    labelled = {**wish["metadata"], "labels": {"app.kubernetes.io/managed-by": "slipway"}}

    planned = plan(kube.gone, [wish], answers={"curl": read({**wish, "metadata": labelled})})
    nothing = plan(kube.gone, [wish], answers={"curl": MISSING})
    with pytest.raises(HostError) as caught:
        plan(kube.gone, [wish], answers={"curl": read(wish)})
    left = plan(kube.gone, [wish], in_the_way=False, answers={"curl": read(wish)})

    assert planned.reasons == ["ConfigMap y/x is no longer declared"]
    assert json.loads(planned.stdin[0])["items"] == [wish]
    assert (nothing.commands, nothing.reasons) == ([], [])
    assert str(caught.value) == "ConfigMap y/x is in the way and was not made by slipway; delete it first"
    assert (left.commands, left.reasons) == ([], [])
