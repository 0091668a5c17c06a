"""What was not there to be looked at never passes: every judge of a cluster, every check of a host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import models_world
import pytest
from clusters import (
    CLUSTER,
    LISTS,
    LOCK,
    Ran,
    claim,
    daemonset,
    deployment,
    registry_objects,
    seen,
    statefulset,
    storage_class,
    volume,
)

from checks.acceptance.runner import host_checks, prove_hosts
from checks.cluster.addresses import answer
from checks.cluster.images import locked
from checks.cluster.judges import JUDGES
from checks.cluster.snapshot import Answer, Snapshot
from checks.finding import Finding, Status
from deploy.model import Cluster

GPUS = Cluster.model_validate(
    {
        **CLUSTER.model_dump(mode="json"),
        "nodes": [
            {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
            {
                "name": "w1",
                "address": "10.0.0.12",
                "roles": ["worker"],
                "labels": {"tier": "gpu"},
                "gpus": {"vendor": "intel", "model": "A770", "count": 1},
            },
        ],
        "models": [{**models_world.MODEL, **models_world.FRONT}],
        "storage": {},
        "object_store": {"size": "20Gi"},
        "registry": {"provider": "distribution", "hostname": "registry.home.arpa"},
    }
)
MODEL = models_world.lists(GPUS)
DEVICE = {
    "name": "gpu-0",
    "attributes": {
        "model": {"string": "A770"},
        "resource.kubernetes.io/pciBusID": {"string": "0000:43:00.0"},
    },
}
SLICE = {"driver": "gpu.intel.com", "nodeName": "w1", "pool": {"name": "w1"}, "devices": [DEVICE]}
BALANCED = {
    "metadata": {"namespace": "default", "name": "web"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.200"}]}},
}
IMAGE = "registry.k8s.io/agnhost:2.63.0"
RUNNING = {
    "metadata": {"namespace": "kube-system", "name": "agnhost"},
    "spec": {"nodeName": "w1", "containers": [{"name": "a", "image": IMAGE}]},
    "status": {"containerStatuses": [{"name": "a", "imageID": f"x@{LOCK.image('agnhost@v1.36.3').digest}"}]},
}
STORED = {
    "storageclasses": [storage_class("local-path")],
    "persistentvolumeclaims": [claim("object-store", "minio")],
    "persistentvolumes": [volume("pvc-minio")],
    "statefulsets": [statefulset("object-store", "minio")],
}
STARTED = [
    {**each, "spec": {**each["spec"], "containers": [{"name": "a", "image": IMAGE, "command": ["a"]}]}}
    for each in LISTS["pods"]
]
PROVISIONER = deployment("local-path-storage", "local-path-provisioner", 1, 1)
DRIVER = daemonset("intel-gpu-resource-driver", "intel-gpu-resource-driver-kubelet-plugin", 1, 1)
KEPT = registry_objects(LISTS["deployments"], [BALANCED])
EVERYTHING = {
    **LISTS,
    **KEPT,
    **STORED,
    "pods": [*STARTED, RUNNING, *MODEL["pods"]],
    "services": [*KEPT["services"], *MODEL["services"]],
    "deployments": [*KEPT["deployments"], *MODEL["deployments"], PROVISIONER],
    "daemonsets": [*LISTS["daemonsets"], DRIVER],
    "jobs": MODEL["jobs"],
    "persistentvolumeclaims": [*STORED["persistentvolumeclaims"], *MODEL["persistentvolumeclaims"]],
    "definitions": models_world.DEFINITIONS,
    "gateways": [models_world.GATEWAY],
    "httproutes": [models_world.ROUTE],
    "resourceslices": [{"metadata": {"name": "w1-x"}, "spec": SLICE}],
    "resourceclaims": [],
    "resourceclaimtemplates": [],
    "deviceclasses": [{"metadata": {"name": "gpu.intel.com"}}],
}
Judge = Callable[[Cluster, Snapshot], Iterable[Finding]]


def images(_: Cluster, snapshot: Snapshot) -> Iterator[Finding]:
    yield from locked(CLUSTER, LOCK, snapshot)


def addresses(cluster: Cluster, snapshot: Snapshot) -> Iterator[Finding]:
    yield from answer(cluster, snapshot, lambda address, port: "")


ALL: tuple[Judge, ...] = (*JUDGES, images, addresses)
CLAIMS = ("resourceslices", "resourceclaims", "resourceclaimtemplates")
# Where nothing is what is wanted: no claim at all holds no graphics, and an API that lists nothing is served.
GOOD_WHEN_EMPTY = {
    ("cards_only", "resourceclaims"),
    *(("served_api", kind) for kind in CLAIMS),
    ("leaked", "resourceclaims"),
    ("leaked", "pods"),
    # nobody has claimed a volume yet, or nobody uses one; S3-01 misses the object store's
    ("in_order", "persistentvolumeclaims"),
    ("in_order", "pods"),
    # no model is there that should not be; SRV-07 misses those that should
    ("undeclared", "deployments"),
    *(("left", kind) for kind in ("namespaces", "deployments", "daemonsets")),
}
# Judged by where it is and what it is called; K8S-09 says whether it is up.
GOOD_WITHOUT_STATUS = {
    ("brought_once", "definitions"),
    ("on_in_control_planes", "pods"),
    ("leaked", "pods"),
    *(("labels", "nodes"), ("announcers", "nodes"), ("announcers", "pods"), ("one_allocator", "nodes")),
    *((judge, kind) for judge in ("pool",) for kind in ("pools", "advertisements")),
    *(("in_order", kind) for kind in ("storageclasses", "persistentvolumes", "pods")),
    *((judge, "resourceslices") for judge in ("published_gpus", "one_allocator", "cards_only")),
    *(("served_api", kind) for kind in CLAIMS),
    ("published_gpus", "deviceclasses"),
    ("undeclared", "deployments"),
    *(("left", kind) for kind in ("namespaces", "deployments", "daemonsets")),
    # what they are is compared here; whether they are up the Deployment tells
    *(("up", "services"), ("up", "pods"), ("pinned", "deployments"), ("shared_memory", "deployments")),
}


@dataclass(frozen=True, slots=True)
class Watched(Snapshot):
    """A snapshot that knows which of its answers were asked for."""

    asked: set[str] = field(default_factory=set)

    def answer(self, name: str) -> Answer:
        self.asked.add(name)
        return Snapshot.answer(self, name)


def everything(**changed: Answer) -> Watched:
    good = seen()
    lists = {name: Answer(json.dumps({"items": items})) for name, items in EVERYTHING.items()}
    return Watched({**good.answers, **lists, **changed}, good.configz)


def passes(judge: Judge, snapshot: Snapshot) -> list[Finding]:
    return [each for each in judge(GPUS, snapshot) if each.status is Status.PASS]


# One judge with two checks, each with an answer of its own.
ONLY = {"ready": "K8S-14", "version": "K8S-02"}


def passes_without(judge: str, name: str, answer: Answer) -> list[Finding]:
    found = passes(JUDGE[judge], everything(**{name: answer}))
    return [each for each in found if each.check == ONLY.get(name, each.check)]


def pairs() -> list[tuple[str, str]]:
    """Return (judge, answer) for every answer that a judge looks at when all is well."""
    found = []
    for judge in ALL:
        snapshot = everything()
        [*judge(GPUS, snapshot)]
        found += [(name_of(judge), name) for name in sorted(snapshot.asked)]
    return found


def name_of(judge: Judge) -> str:
    return str(getattr(judge, "__name__", judge))


JUDGE = {name_of(judge): judge for judge in ALL}


def test_with_all_that_is_wanted_every_judge_that_is_concerned_has_something_that_passes() -> None:
    silent = [name for name, judge in JUDGE.items() if not passes(judge, everything())]

    # no k3s here, no node that gives GPUs away by number, no GPUs that an operator sees to
    assert silent == ["one_owner", "counted_gpus", "ready"]
    assert len(pairs()) > 15


@pytest.mark.parametrize(("judge", "name"), pairs())
@pytest.mark.parametrize("text", [None, "", "null", "{}", "[]", '{"items": null}', "<html>"])
def test_an_answer_that_cannot_be_read_passes_nothing(judge: str, name: str, text: str | None) -> None:
    assert passes_without(judge, name, Answer(text, cause="timed out")) == []


@pytest.mark.parametrize(
    ("judge", "name"), [each for each in pairs() if each[1] in EVERYTHING and each not in GOOD_WHEN_EMPTY]
)
def test_an_empty_list_passes_nothing(judge: str, name: str) -> None:
    assert passes_without(judge, name, Answer('{"items": []}')) == []


@pytest.mark.parametrize(
    ("judge", "name"),
    [
        each
        for each in pairs()
        if each[1] in EVERYTHING and EVERYTHING[each[1]] and each not in GOOD_WITHOUT_STATUS
    ],
)
def test_objects_that_nothing_has_looked_at_yet_pass_nothing(judge: str, name: str) -> None:
    fresh = [{key: value for key, value in each.items() if key != "status"} for each in EVERYTHING[name]]

    assert passes_without(judge, name, Answer(json.dumps({"items": fresh}))) == []


@pytest.mark.parametrize("desired", [0, None])
def test_a_workload_that_wants_no_pod_is_never_up(desired: int | None) -> None:
    def nobody(lists: dict[str, list[dict[str, Any]]]) -> None:
        for each in lists["daemonsets"]:
            each["status"] = {"desiredNumberScheduled": desired or 0, "numberReady": 0}
        for each in lists["deployments"]:
            each["spec"] = {} if desired is None else {"replicas": 0}

    assert passes(JUDGE["system_workloads"], seen(nobody)) == []


# The connection knows that the host answers, and as root; one that came about is the last one's exit status.
CONNECTED = {"HOST-00", "HOST-01"}
PROVEN_WITHOUT_WORDS = {*CONNECTED, "K8S-15"}


@pytest.mark.parametrize("out", ["", "\n", " ", "?", "no\nidea\n"])
@pytest.mark.parametrize("rc", [0, 1, 2, 126, 127, 255])
def test_a_host_whose_commands_say_nothing_of_use_passes_nothing(rc: int, out: str) -> None:
    findings = prove_hosts(CLUSTER, lambda host, command: Ran(rc, out), {}, {"lock": LOCK})

    allowed = PROVEN_WITHOUT_WORDS if rc == 0 else CONNECTED
    assert {each.check for each in findings if each.status is Status.PASS} <= allowed
    assert {each.check for each in findings} - CONNECTED == {
        each.entry.id for each in host_checks() if each.applies(CLUSTER, CLUSTER.nodes[0])
    }
