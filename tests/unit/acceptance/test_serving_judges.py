"""Models as the API shows them: each judge is seen to fail when the thing is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import models_world
import pytest
from clusters import CLUSTER

from checks.cluster import serving
from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Status
from deploy.model import Cluster

Lists = dict[str, list[dict[str, Any]]]


def cluster(**changes: Any) -> Cluster:
    gpus = {"vendor": "intel", "model": "A770", "count": 2}
    nodes = CLUSTER.model_dump(mode="json", exclude_none=True)["nodes"]
    nodes[1]["gpus"] = gpus
    return Cluster.model_validate(
        {"name": "homelab", "nodes": nodes, "models": [{**models_world.MODEL, **changes}]}
    )


def judged(judge: Any, change: Callable[[Lists], Any] | None = None, **changes: Any) -> tuple[Status, str]:
    wanted = cluster(**changes)
    lists = models_world.lists(wanted)
    if change:
        change(lists)
    texts = {name: Answer(json.dumps({"items": items})) for name, items in lists.items()}
    [finding] = judge(wanted, Snapshot(texts))
    return finding.status, finding.found


GOOD = {
    serving.up: "tiny 1/1 ready",
    serving.undeclared: "none",
    serving.kept: "claim model-tiny-1 is Bound, 2253Mi for 1Gi",
    serving.pinned: "tiny was fetched",
    serving.of_the_hub: "tiny was fetched",
    serving.shared_memory: "tiny 8Gi",
    serving.survived: "tiny 0 restarts",
}


@pytest.mark.parametrize("judge", GOOD)
def test_a_model_that_is_well_passes(judge: Any) -> None:
    assert judged(judge) == (Status.PASS, GOOD[judge])


def deep(lists: Lists, kind: str, *way: Any, value: Any) -> None:
    target: Any = lists[kind][0]
    for part in way[:-1]:
        target = target[part]
    target[way[-1]] = value


def server(lists: Lists) -> dict[str, Any]:
    found: dict[str, Any] = lists["deployments"][0]["spec"]["template"]["spec"]["containers"][0]
    return found


def killed(lists: Lists) -> None:
    status = lists["pods"][0]["status"]["containerStatuses"][0]
    status |= {"restartCount": 2, "lastState": {"terminated": {"reason": "OOMKilled"}}}


def pending(lists: Lists) -> None:
    deep(lists, "deployments", "status", value={})
    message = "0/2 nodes are available: 1 Insufficient memory."
    condition = {"type": "PodScheduled", "status": "False", "message": message}
    deep(lists, "pods", "status", value={"conditions": [condition]})


def other_image(lists: Lists) -> None:
    lists["pods"][0]["spec"]["containers"] = [{"name": "vllm", "image": "vllm:old"}]


def renamed(lists: Lists) -> None:
    deep(lists, "deployments", "metadata", "labels", "slipway.dev/model", value="old")


@pytest.mark.parametrize(
    ("judge", "change", "said"),
    [
        (serving.up, lambda lists: lists["deployments"].clear(), "tiny is not there"),
        (serving.up, lambda lists: lists["services"].clear(), "tiny 1/1 ready, no Service"),
        (serving.up, other_image, "tiny 1/1 ready, 1 with another image"),
        (serving.up, pending, "tiny 0/1 ready: 0/2 nodes are available: 1 Insufficient memory."),
        (serving.undeclared, renamed, "old 1/1 ready, and not declared"),
        (
            serving.kept,
            lambda lists: lists["persistentvolumeclaims"].clear(),
            "claim model-tiny-1 is not there",
        ),
        (
            serving.kept,
            lambda lists: deep(lists, "persistentvolumeclaims", "status", value={"phase": "Pending"}),
            "claim model-tiny-1 is Pending, without a size for 1Gi",
        ),
        (
            serving.kept,
            lambda lists: deep(lists, "persistentvolumeclaims", "status", "capacity", "storage", value="1Gi"),
            "claim model-tiny-1 is Bound, 1Gi for 1Gi",
        ),
        (
            serving.pinned,
            lambda lists: lists["jobs"].clear(),
            "tiny was not fetched: its Job is not there",
        ),
        (
            serving.pinned,
            lambda lists: server(lists).update(args=["/models/other"]),
            "tiny was fetched, and is not what is served",
        ),
        (serving.shared_memory, lambda lists: lists["deployments"].clear(), "tiny has none"),
        (serving.survived, killed, "tiny 2 restarts, 1 killed for memory"),
        (serving.survived, lambda lists: lists["pods"].clear(), "tiny has no pod"),
    ],
)
def test_what_is_broken_is_said(judge: Any, change: Callable[[Lists], Any], said: str) -> None:
    assert judged(judge, change) == (Status.FAIL, said)


@pytest.mark.parametrize(
    ("judge", "changes", "said"),
    [
        (
            serving.pinned,
            {"source": {"modelkit": "r.org/tiny:1"}},
            "tiny was fetched, its source may change: set models[].checksum",
        ),
        (serving.shared_memory, {"shared_memory": "1Gi"}, "tiny 1Gi"),
        (serving.survived, {"memory": "2Gi"}, "tiny 0 restarts, 2Gi of memory, wanted 10.8 GiB"),
    ],
)
def test_what_is_declared_badly_is_said(judge: Any, changes: dict[str, Any], said: str) -> None:
    assert judged(judge, **changes) == (Status.FAIL, said)


def test_a_fetch_that_failed_says_why() -> None:
    failed = {"type": "Failed", "status": "True", "message": "Job has reached the specified backoff limit"}

    status, said = judged(
        serving.of_the_hub, lambda lists: deep(lists, "jobs", "status", value={"conditions": [failed]})
    )

    assert status is Status.FAIL
    assert said.endswith("failed: Job has reached the specified backoff limit")


def test_without_models_there_is_nothing_to_say() -> None:
    assert [*serving.up(CLUSTER, Snapshot({}))] == []
    assert [*serving.undeclared(CLUSTER, Snapshot({"deployments": Answer('{"items": []}')}))] == []


def test_what_may_still_be_served_is_not_gone_because_nobody_can_tell() -> None:
    [finding] = serving.undeclared(CLUSTER, Snapshot({}))

    assert (finding.check, finding.status) == ("SRV-11", Status.UNAVAILABLE)


def test_the_last_model_that_was_taken_out_is_still_seen() -> None:
    left = json.dumps({"items": models_world.lists(cluster())["deployments"]})

    [finding] = serving.undeclared(CLUSTER, Snapshot({"deployments": Answer(left)}))

    assert (finding.status, finding.found) == (Status.FAIL, "tiny 1/1 ready, and not declared")
    assert finding.wanted == "none beside those that are declared"
