"""The active verify of GPUs against a cluster in memory: what is proven, and what each fault makes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clusters import LOCK
from gpu_world import CARDS, CLUSTER, MIXED, RESOURCE, World, lists, mixed

from checks.acceptance import gpu_verdicts as verdicts
from checks.acceptance import gpus
from checks.acceptance.gates import Gate, silently
from checks.acceptance.gpu_pods import Target
from checks.acceptance.gpu_targets import targets
from checks.acceptance.gpus import GpuProbe
from checks.acceptance.hands import Kubectl
from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Finding
from deploy.catalog.gpu import resource_api
from deploy.model import Cluster

READY = ("cp1", "intel1", "amd1")
AMD = [f"/dev/dri/renderD{128 + number}" for number in range(8)]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUN", "REFUSED", "GONE"):
        monkeypatch.setattr(gpus, name, Gate(name, 0.0, every=0.01))


def prove(
    world: World,
    ready: tuple[str, ...] = READY,
    cluster: Cluster = CLUSTER,
    **changed: list[dict[str, Any]],
) -> list[Finding]:
    seen_ = Snapshot({name: Answer(json.dumps({"items": items})) for name, items in lists(**changed).items()})
    asked, left_out = targets(cluster, seen_, world, ready)
    kubectl = Kubectl(world, "cp1", "/etc/kubernetes/admin.conf")
    image = LOCK.image("agnhost@v1.36.3")
    probe = GpuProbe(cluster, "R1", image, resource_api("v1.36.3"), asked, kubectl, silently)
    return [*left_out, *probe.findings()]


def told_of(findings: list[Finding], status: str) -> dict[tuple[str, str | None], str]:
    return {(each.check, each.host): each.found for each in findings if each.status.value == status}


def test_a_good_cluster_proves_every_claim() -> None:
    findings = prove(World())

    assert told_of(findings, "pass") == {
        ("GPU-14", "intel1"): "0 asked for: none; 1 asked for: /dev/dri/renderD129;"
        " 1 asked for: /dev/dri/renderD130",
        ("GPU-14", "amd1"): f"0 asked for: none; 1 asked for: {AMD[0]}; 7 asked for: {' '.join(AMD[1:])}",
        (
            "GPU-15",
            "intel1",
        ): "with all 2 held: cannot allocate all claims; with one freed: /dev/dri/renderD129;"
        " with all freed: 2 in one pod",
        ("GPU-15", "amd1"): f"with all 8 held: Insufficient {RESOURCE}; with one freed: {AMD[0]};"
        " with all freed: 8 in one pod",
        ("DRA-06", "intel1"): "3 seen, 2 held by others",
        ("GPU-16", "intel1"): "1 for two pods: /dev/dri/renderD129;"
        " 2 for two pods: /dev/dri/renderD129 /dev/dri/renderD130",
        ("DRA-05", "intel1"): "every claim of a pod that is gone has returned",
    }
    assert len(findings) == 7


def test_a_kubelet_that_came_too_early_for_a_claim_is_reminded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "RUN", Gate("RUN", 5.0, every=0.01))
    world = World(early="one-intel1")

    findings = prove(world)

    where = "slipway-verify-r1-gpus"
    reminded = [words for words in world.ran if " annotate " in words]
    assert reminded == [f"-n {where} annotate --overwrite pods one-intel1 {gpus.LOOKED_AT}=5"]
    assert told_of(findings, "fail") == {}
    assert ("GPU-14", "intel1") in told_of(findings, "pass")


def test_nothing_is_left_behind() -> None:
    world = World()
    prove(world)

    assert world.ran[0] == "create -f -"
    assert world.ran[-1] == "delete --wait=false --ignore-not-found namespace slipway-verify-r1-gpus"


@pytest.mark.parametrize("count", [0, 1])
def test_every_gpu_is_given_back_before_the_next_verify_may_ask(count: int) -> None:
    world = World()
    prove(world, resourceclaims=[held(count)])

    assert (world.pods, world.held) == ({}, {})


def test_a_runtime_that_hands_nothing_over_is_found_and_nothing_else_is_claimed_to_work() -> None:
    findings = prove(World(blind=True))

    assert told_of(findings, "fail") == {
        ("GPU-14", "intel1"): "0 asked for: none; 1 asked for: none instead of /dev/dri/renderD129;"
        " 1 asked for: none instead of /dev/dri/renderD130",
        ("GPU-14", "amd1"): "0 asked for: none; 1 asked for: none; 7 asked for: none",
    }
    why = "its pods did not get their GPUs (GPU-14)"
    assert told_of(findings, "unavailable") == {
        ("GPU-15", "intel1"): why,
        ("GPU-16", "intel1"): why,
        ("DRA-06", "intel1"): why,
        ("DRA-05", "intel1"): why,
        ("GPU-15", "amd1"): why,
    }


def test_integrated_graphics_in_the_place_of_a_card_are_found() -> None:
    found = told_of(prove(World(crossed=True)), "fail")

    assert found["GPU-14", "intel1"] == (
        "0 asked for: none; 1 asked for: /dev/dri/renderD128 instead of /dev/dri/renderD129;"
        " 1 asked for: /dev/dri/renderD130"
    )


def test_a_gpu_that_is_given_away_while_it_is_held_is_found() -> None:
    found = told_of(prove(World(generous=True)), "fail")

    assert list(found) == [("GPU-15", "intel1"), ("GPU-15", "amd1")]
    assert found["GPU-15", "amd1"].startswith(f"with all 8 held: {AMD[0]}; with one freed: {AMD[0]};")


def test_gpus_that_do_not_come_back_are_found() -> None:
    found = told_of(prove(World(greedy=True)), "fail")

    assert "with one freed: 0/3 nodes are available" in found["GPU-15", "amd1"]
    assert "one-intel1" in found["DRA-05", "intel1"]


def test_claims_that_the_api_does_not_tell_of_are_not_taken_for_returned() -> None:
    findings = prove(World(silent=True))

    assert told_of(findings, "unavailable") == {("DRA-05", "intel1"): "Error from server (Timeout)"}


def test_nobody_is_asked_for_no_pods_where_a_gpu_is_alone() -> None:
    inventory = CLUSTER.model_dump(mode="json")
    inventory["nodes"][1]["gpus"][0]["count"] = 1
    [slice_] = lists()["resourceslices"]
    slice_["spec"]["devices"].pop()
    world = World(cards={**CARDS, "intel1": CARDS["intel1"][:1]})

    findings = prove(world, cluster=Cluster.model_validate(inventory), resourceslices=[slice_])

    assert told_of(findings, "pass")["GPU-16", "intel1"] == "1 for two pods: /dev/dri/renderD129"
    assert told_of(findings, "fail") == {}
    assert 0 not in world.sent


def test_a_claim_that_lets_one_pod_in_alone_is_found() -> None:
    found = told_of(prove(World(private=True)), "fail")

    assert list(found) == [("GPU-16", "intel1")]


def held(count: int) -> dict[str, Any]:
    results = [
        {"device": f"gpu-{129 + number}", "driver": "gpu.intel.com", "pool": "intel1"}
        for number in range(count)
    ]
    return {"metadata": {"name": "llama"}, "status": {"allocation": {"devices": {"results": results}}}}


def test_gpus_that_a_workload_holds_are_left_to_it() -> None:
    pod = {
        "metadata": {"name": "llama"},
        "spec": {"nodeName": "amd1", "containers": [{"resources": {"limits": {RESOURCE: "8"}}}]},
    }
    world = World(held={"llama-intel1": ["/dev/dri/renderD129"]})
    findings = prove(world, resourceclaims=[held(1)], pods=[pod])

    assert told_of(findings, "fail") == {}
    assert told_of(findings, "skipped") == {
        ("GPU-15", "intel1"): "1 of 2 are free",
        ("GPU-16", "intel1"): "1 of 2 are free",
        ("DRA-06", "intel1"): "1 of 2 are free",
        ("DRA-05", "intel1"): "1 of 2 are free",
        ("GPU-14", "amd1"): "0 of 8 are free",
        ("GPU-15", "amd1"): "0 of 8 are free",
    }
    assert told_of(findings, "pass") == {
        ("GPU-14", "intel1"): "0 asked for: none; 1 asked for: /dev/dri/renderD130"
    }


def test_a_node_that_is_not_ready_is_not_taken_for_good() -> None:
    findings = prove(World(), ready=("cp1", "amd1"))

    assert told_of(findings, "unavailable") == {("GPU-14", "intel1"): "the node is not Ready (K8S-01)"}


def test_every_model_of_a_node_is_proven_and_told_in_one_finding() -> None:
    findings = prove(World(), ("cp1", "mixed1"), MIXED, **mixed())

    assert told_of(findings, "fail") == {}
    assert told_of(findings, "pass") == {
        ("GPU-14", "mixed1"): "A770: 0 asked for: none; 1 asked for: /dev/dri/renderD129; 1 asked for:"
        " /dev/dri/renderD130; B580: 0 asked for: none; 1 asked for: /dev/dri/renderD131; MI210: 0 asked for:"
        " none; 1 asked for: /dev/dri/renderD132; 1 asked for: /dev/dri/renderD133",
        ("GPU-15", "mixed1"): "A770: with all 2 held: cannot allocate all claims; with one freed:"
        " /dev/dri/renderD129; with all freed: 2 in one pod; B580: with all 1 held: cannot allocate all"
        " claims; with one freed: /dev/dri/renderD131; with all freed: 1 in one pod; MI210: with all 2 held:"
        f" Insufficient {RESOURCE}; with one freed: /dev/dri/renderD132; with all freed: 2 in one pod",
        ("DRA-06", "mixed1"): "A770: 4 seen, 2 held by others; B580: 4 seen, 1 held by others",
        ("GPU-16", "mixed1"): "A770: 1 for two pods: /dev/dri/renderD129; 2 for two pods: /dev/dri/renderD129"
        " /dev/dri/renderD130; B580: 1 for two pods: /dev/dri/renderD131",
        ("DRA-05", "mixed1"): "A770: every claim of a pod that is gone has returned; B580: every claim of a"
        " pod that is gone has returned",
    }


def test_one_model_that_is_held_is_left_alone_and_the_others_of_the_node_are_proven() -> None:
    pod = {
        "metadata": {"name": "llama"},
        "spec": {"nodeName": "mixed1", "containers": [{"resources": {"limits": {RESOURCE: "2"}}}]},
    }

    findings = prove(World(), ("cp1", "mixed1"), MIXED, **{**mixed(), "pods": [pod]})

    assert {each.check: each.status.value for each in findings} == {
        "GPU-14": "skipped",
        "GPU-15": "skipped",
        "DRA-06": "pass",
        "GPU-16": "pass",
        "DRA-05": "pass",
    }
    assert told_of(findings, "skipped")["GPU-14", "mixed1"].startswith(
        "MI210: 0 of 2 are free; A770: 0 asked"
    )


def test_a_claim_that_is_left_is_told_of_its_own_vendors_gpus() -> None:
    targets_ = [Target("mixed1", gpus, 1, 1, {}, is_alone=False) for gpus in MIXED.nodes[1].gpus]
    results = [{"driver": "gpu.intel.com", "pool": "mixed1", "device": "gpu-129"}]
    claim = {"metadata": {"name": "one"}, "status": {"allocation": {"devices": {"results": results}}}}
    left = Snapshot({"resourceclaims": Answer(json.dumps({"items": [claim]}))})

    said = {each.gpus.model: verdicts.returned(each, left).status.value for each in targets_}

    assert said == {"A770": "fail", "B580": "fail", "MI210": "pass"}


def test_a_card_that_another_vendors_plugin_hands_over_too_is_found() -> None:
    first = CARDS["mixed1 A770"][0]
    crossed = World(cards={**CARDS, f"mixed1 {RESOURCE}": [first, "/dev/dri/renderD133"]})

    failed = told_of(prove(crossed, ("cp1", "mixed1"), MIXED, **mixed()), "fail")

    assert failed["GPU-14", "mixed1"].count(f"{first} in two pods") == 2


def test_a_fault_of_one_model_is_the_nodes() -> None:
    findings = prove(World(generous=True), ("cp1", "mixed1"), MIXED, **mixed())

    [failed] = [each for each in findings if each.status.value == "fail"]
    assert (failed.check, failed.host) == ("GPU-15", "mixed1")
    assert "B580: with all 1 held: /dev/dri/renderD131" in failed.found
    assert failed.remedy
