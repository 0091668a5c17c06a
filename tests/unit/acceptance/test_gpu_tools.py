"""GPUs that answer the vendor's tool in the models' pods; each way not to answer is told apart."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import models_world
import pytest
from clusters import CLUSTER, Ran

from checks.acceptance import gpu_tools
from checks.acceptance.hands import Kubectl
from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Finding, Status
from deploy.errors import UnreachableError
from deploy.model import Cluster, Vendor

SMI = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\nGPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)\n"
MIG = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\n  MIG 1g.10gb     Device  0: (UUID: MIG-1)\n"
HSA = "  Marketing Name:          AMD Ryzen 9\n  Device Type:             CPU\n"
HSA += 2 * "  Marketing Name:          AMD Instinct MI300X\n  Device Type:             GPU\n"
SYCL = "[level_zero:gpu][level_zero:0] Intel(R) oneAPI Unified Runtime over Level-Zero, Arc A770\n"
OPENCL = "[opencl:gpu][opencl:0] Intel(R) OpenCL Graphics, Intel(R) Arc(TM) A770 Graphics\n"
FAILED = "command terminated with exit code"
MODELS = {"nvidia": "H100", "amd": "MI300X", "intel": "A770"}


@dataclass
class Hands:
    """A host, and a pod that answers."""

    answer: Ran
    simulated: bool = False
    lost: bool = False
    unreachable: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert stdin is None
        assert timeout
        self.ran.append(f"{host}: {command}")
        if command == gpu_tools.SIMULATED:
            return Ran(rc=0 if self.simulated else 1)
        if self.lost:
            raise UnreachableError("cp1 is gone")
        return self.answer


def cluster(vendor: str, **gpus: Any) -> Cluster:
    nodes = CLUSTER.model_dump(mode="json", exclude_none=True)["nodes"]
    nodes[1]["gpus"] = {"vendor": vendor, "model": MODELS[vendor], "count": 2, **gpus.pop("node", {})}
    asked = {"vendor": vendor, "count": 2, **gpus}
    model = {**models_world.MODEL, "gpus": asked, "tensor_parallel": asked["count"]}
    return Cluster.model_validate({"name": "homelab", "nodes": nodes, "models": [model]})


def told(hands: Hands, declared: Cluster, *, running: bool = True) -> Finding:
    [pod] = models_world.lists(declared)["pods"]
    pod["status"]["containerStatuses"][0]["state"] = {"running": {}} if running else {"waiting": {}}
    seen = Snapshot({"pods": Answer(json.dumps({"items": [pod]}))})
    kubectl = Kubectl(hands, "cp1", "/etc/kubernetes/admin.conf")
    [finding] = gpu_tools.findings(declared, seen, kubectl, hands)
    assert (finding.check, finding.host) == ("GPU-17", "w1")
    return finding


@pytest.mark.parametrize(("vendor", "said"), [("nvidia", SMI), ("amd", HSA), ("intel", OPENCL + 2 * SYCL)])
def test_gpus_that_answer_are_counted_by_each_vendors_tool(vendor: str, said: str) -> None:
    hands = Hands(Ran(out=said))
    finding = told(hands, cluster(vendor))

    assert (finding.status, finding.found) == (Status.PASS, "tiny-1: 2 of 2")
    assert " -n models exec tiny-1 -c vllm -- sh -c " in hands.ran[-1]


@pytest.mark.parametrize(
    ("vendor", "ran", "status", "found"),
    [
        pytest.param("nvidia", Ran(out=SMI[:44]), Status.FAIL, "tiny-1: 1 of 2", id="one of two"),
        pytest.param("intel", Ran(out=2 * OPENCL), Status.FAIL, "tiny-1: 0 of 2", id="no Level Zero"),
        pytest.param(
            "nvidia",
            Ran(18, "Failed to initialize NVML: Driver/library version mismatch\n", f"{FAILED} 18"),
            Status.FAIL,
            "tiny-1: Failed to initialize NVML: Driver/library version mismatch",
            id="a library that does not fit",
        ),
        pytest.param(
            "amd", Ran(124, "", f"{FAILED} 124"), Status.FAIL, "tiny-1: no answer in 20 s", id="silence"
        ),
        pytest.param(
            "amd",
            Ran(out="no such tool\n"),
            Status.SKIPPED,
            "tiny-1: its image has no rocminfo",
            id="no tool",
        ),
        pytest.param(
            "intel",
            Ran(127, "sycl-ls: error while loading shared libraries: libsycl.so.8\n", f"{FAILED} 127"),
            Status.SKIPPED,
            "tiny-1: sycl-ls: error while loading shared libraries: libsycl.so.8",
            id="a tool that does not start",
        ),
        pytest.param(
            "nvidia",
            Ran(1, "", 'Error from server (NotFound): pods "tiny-1" not found'),
            Status.UNAVAILABLE,
            'tiny-1: Error from server (NotFound): pods "tiny-1" not found',
            id="a pod that is gone",
        ),
        pytest.param(
            "amd", Ran(124), Status.UNAVAILABLE, "tiny-1: kubectl ended with 124", id="silence of kubectl"
        ),
    ],
)
def test_what_does_not_answer_is_told_apart(vendor: str, ran: Ran, status: Status, found: str) -> None:
    finding = told(Hands(ran), cluster(vendor))

    assert (finding.status, finding.found) == (status, found)


def test_parts_of_a_gpu_are_counted_as_such() -> None:
    declared = cluster(
        "nvidia",
        count=1,
        profile="1g.10gb",
        node={"allocation": "device-plugin", "partitioning": {"mig": "all-1g.10gb"}},
    )

    assert told(Hands(Ran(out=MIG)), declared).found == "tiny-1: 1 of 1"


def test_parts_that_are_given_under_the_name_of_cards_are_counted_each() -> None:
    smi = gpu_tools.TOOLS[Vendor.NVIDIA]

    assert smi.count(f"{MIG}  MIG 1g.10gb     Device  1: (UUID: MIG-2)\n", parts=False) == 2
    assert smi.count(SMI, parts=True) == 0


def test_nothing_is_asked_where_nothing_could_answer() -> None:
    simulated = told(Hands(Ran(), simulated=True), cluster("intel"))
    idle = told(Hands(Ran()), cluster("intel"), running=False)
    lost = told(Hands(Ran(), lost=True), cluster("intel"))

    assert (simulated.status, simulated.found) == (
        Status.SKIPPED,
        "its GPUs are simulated: nothing is there that could answer",
    )
    assert (idle.status, idle.found) == (
        Status.SKIPPED,
        "no model runs on its GPUs, and other images have no sycl-ls",
    )
    assert (lost.status, lost.found) == (Status.UNAVAILABLE, "cp1 is gone")


def test_pods_that_could_not_be_listed_are_not_taken_for_none() -> None:
    hands = Hands(Ran())
    kubectl = Kubectl(hands, "cp1", "/etc/kubernetes/admin.conf")
    [finding] = gpu_tools.findings(
        cluster("amd"), Snapshot({"pods": Answer(cause="the API is away")}), kubectl, hands
    )

    assert (finding.status, finding.found) == (Status.UNAVAILABLE, "the API is away")


def test_on_a_node_of_two_vendors_each_model_is_asked_by_its_own_tool() -> None:
    both = [{"vendor": vendor, "model": MODELS[vendor], "count": 2} for vendor in ("intel", "nvidia")]
    plain = cluster("nvidia").model_dump(mode="json", exclude_none=True)
    plain["nodes"][1]["gpus"] = both
    hands = Hands(Ran(out=SMI))

    finding = told(hands, Cluster.model_validate(plain))

    assert (finding.status, finding.found) == (Status.PASS, "tiny-1: 2 of 2")
    assert finding.wanted == "an answer to sycl-ls or nvidia-smi from each GPU of a pod"
    assert "nvidia-smi -L" in hands.ran[-1]
