"""Models whose node is away: what is found, and what would free them."""

from __future__ import annotations

import json
from typing import Any

import models_world
import pytest
from test_serving_judges import Lists, cluster, deep

from checks.cluster import serving
from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Finding, Status

AWAY = {"type": "Ready", "status": "Unknown"}
HERE = {"type": "Ready", "status": "True"}
START = "Start w1 again: tiny goes on with what is there. "
LOST = f"{START}Where w1 is gone for good, its files are too: "


def node(name: str, ready: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"conditions": [ready]}}


def volume(*nodes: str) -> dict[str, Any]:
    here = [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(nodes)}]
    required = {"nodeSelectorTerms": [{"matchExpressions": here}]}
    spec = {"nodeAffinity": {"required": required}} if nodes else {}
    return {"metadata": {"name": "pvc-1"}, "spec": spec}


def up(lists: Lists, **changes: Any) -> Finding:
    wanted = cluster(**changes)
    all_lists = {**models_world.lists(cluster()), **lists}
    deep(all_lists, "deployments", "status", value={})
    deep(all_lists, "persistentvolumeclaims", "spec", "volumeName", value="pvc-1")
    answers = {name: Answer(json.dumps({"items": items})) for name, items in all_lists.items()}
    [finding] = serving.up(wanted, Snapshot(answers))
    return finding


def world(*volume_on: str, w1: dict[str, str] | None = AWAY) -> Lists:
    nodes = [node("cp1", HERE), *([node("w1", w1)] if w1 else [])]
    return {"nodes": nodes, "persistentvolumes": [volume(*volume_on)]}


def test_files_on_a_node_that_is_away_are_waited_for_or_fetched_anew_elsewhere() -> None:
    finding = up(world("w1"))

    assert (finding.status, finding.found) == (
        Status.FAIL,
        "tiny 0/1 ready: its files are on w1, which is not Ready",
    )
    assert finding.remedy == (
        f"{LOST}kubectl delete node w1; kubectl -n models delete job -l slipway.dev/model=tiny;"
        " kubectl -n models delete pvc model-tiny-1; take w1 out of the inventory; then slipway apply"
    )


def test_a_node_that_was_removed_need_not_be_deleted_again() -> None:
    finding = up(world("w1", w1=None))

    assert finding.found == "tiny 0/1 ready: its files are on w1, which is no node any more"
    assert finding.remedy.startswith(f"{LOST}kubectl -n models delete job")


def test_files_that_somebody_else_put_there_are_not_fetched_anew() -> None:
    changes = {"source": {"host_path": "/data/tiny", "node": "w1"}}

    assert up(world("w1"), **changes).remedy == (
        f"{LOST}kubectl delete node w1; kubectl -n models delete pvc model-tiny-1;"
        " kubectl delete pv model-tiny-1; name another node that has them as models[].source.node;"
        " take w1 out of the inventory; then slipway apply"
    )


def test_a_pod_whose_files_are_elsewhere_moves_by_itself() -> None:
    for anywhere in (world(), world("w1", "cp1")):
        finding = up(anywhere)

        assert finding.found == "tiny 0/1 ready: its pod is on w1, which is not Ready"
        assert finding.remedy == f"{START}After five minutes another node takes its pod, where one may"


def test_a_pod_that_is_being_taken_away_is_not_what_is_waited_for() -> None:
    lists = world()
    pods = models_world.lists(cluster())["pods"]
    pods[0]["metadata"]["deletionTimestamp"] = "2026-11-30T00:00:00Z"

    assert up({**lists, "pods": pods}).found == "tiny 0/1 ready: it loads"


@pytest.mark.parametrize("missing", ["nodes", "persistentvolumes"])
def test_what_the_api_does_not_show_is_not_guessed(missing: str) -> None:
    lists = world("w1")
    del lists[missing]

    assert up(lists).found == "tiny 0/1 ready: it loads"


def test_nodes_that_are_ready_are_not_to_blame() -> None:
    assert up(world("w1", w1=HERE)).found == "tiny 0/1 ready: it loads"
