"""Which device node is whose, what pods see of them, and what is made of that."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

from gpu_world import CLUSTER

from checks.acceptance.gpu_pods import Target, Told, seen, told
from checks.acceptance.gpu_targets import NODES, by_slot
from checks.acceptance.gpu_verdicts import given
from deploy.model import Allocation, Gpus, Vendor

AMD = [f"/dev/dri/renderD{128 + number}" for number in range(8)]


def test_what_pods_see_is_read_out_of_their_logs_by_name() -> None:
    logs = "[pod/one-w1/gpu] sees: /dev/dri/card0 /dev/dri/renderD128\n[pod/none-w1/gpu] sees:\nerror: no\n"

    assert seen(logs) == {
        "one-w1": frozenset({"/dev/dri/card0", "/dev/dri/renderD128"}),
        "none-w1": frozenset(),
    }


def test_a_pod_that_cannot_start_says_why() -> None:
    waiting = {"waiting": {"reason": "CreateContainerError", "message": "unresolvable CDI devices x"}}
    item = {
        "metadata": {"name": "one-w1"},
        "status": {"phase": "Pending", "containerStatuses": [{"state": waiting}]},
    }

    assert told([item], "")["one-w1"].why == "unresolvable CDI devices x"


BUS = """0000:1b:00.0 /dev/dri/renderD129
0000:1b:00.0 /dev/nvidia0
rubbish
"""
HOPPER = Gpus(vendor=Vendor.NVIDIA, model="H100", count=2, allocation=Allocation.DRA)
HANDED = (
    "/dev/dri/card1 /dev/dri/renderD129 /dev/nvidia0",
    "/dev/dri/card2 /dev/dri/renderD130 /dev/nvidia1",
)


def test_a_cards_own_node_is_known_by_its_slot() -> None:
    assert by_slot(BUS, Vendor.INTEL) == {"0000:1b:00.0": "/dev/dri/renderD129"}
    assert by_slot(BUS, Vendor.NVIDIA) == {"0000:1b:00.0": "/dev/nvidia0"}


def test_a_host_says_which_node_is_whose(tmp_path: Path) -> None:
    places = {
        "sys/bus/pci/devices/0000:43:00.0/drm/renderD128/dev": "226:128",
        "proc/driver/nvidia/gpus/0000:1b:00.0/information": "Model: H100\nDevice Minor: \t 3\n",
    }
    for name, text in places.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    script = re.sub(r" /(sys|proc)/", rf" {tmp_path}/\1/", NODES)

    said = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout

    assert said == "0000:43:00.0 /dev/dri/renderD128\n0000:1b:00.0 /dev/nvidia3\n"


def test_nvidias_gpus_count_once_though_their_display_nodes_come_with_them() -> None:
    target = Target("n1", HOPPER, 2, 2, {"gpu-0": "/dev/nvidia0", "gpu-1": "/dev/nvidia1"})
    one, rest = (Told(frozenset(nodes.split())) for nodes in HANDED)
    pods = {"none-n1": Told(frozenset()), "one-n1": one, "rest-n1": rest}
    claims = {"one-n1": frozenset({"gpu-0"}), "rest-n1": frozenset({"gpu-1"})}

    good = given(target, pods, claims)
    crossed = given(target, pods, {**claims, "one-n1": frozenset({"gpu-1"})})
    unmapped = given(replace(target, nodes={}), pods, claims)

    assert [each.status.value for each in (good, crossed, unmapped)] == ["pass", "fail", "pass"]
    assert f"1 asked for: {HANDED[0]} instead of /dev/nvidia1;" in crossed.found


def test_one_gpu_in_two_pods_is_found() -> None:
    target = Target("amd1", CLUSTER.node("amd1").gpus[0], 8, 8, {})
    pods = {"none-amd1": Told(frozenset()), "one-amd1": Told(frozenset(AMD[:1]))}
    pods["rest-amd1"] = Told(frozenset(AMD[:7]))

    finding = given(target, pods, {})

    assert finding.status.value == "fail"
    assert finding.found.endswith("; /dev/dri/renderD128 in two pods")
