"""The registry's workloads and the room for its layers, each good once and then broken in one way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from clusters import CLUSTER, LISTS, LOCK, Ran, claim, registry_objects, seen, volume
from registry_world import HARBOR, REGISTRY, by_check

from checks.acceptance.room import room
from checks.acceptance.runner import prove_hosts
from checks.cluster.registry import is_up
from checks.finding import Finding, Status
from deploy.model import Cluster


def up(change: Callable[[dict[str, Any]], None] | None = None, of: Cluster = REGISTRY) -> list[Finding]:
    objects = copy.deepcopy(registry_objects(LISTS["deployments"], []))
    if change is not None:
        change(objects)
    return [*is_up(of, seen(lambda lists: lists.update(objects)))]


def test_a_registry_that_is_up_passes_with_its_addresses() -> None:
    [finding] = up()

    assert (finding.status, finding.found) == (Status.PASS, "1/1 ready at 10.43.0.20 and 10.0.0.201")


def _drop(objects: dict[str, Any], kind: str, name: str) -> None:
    objects[kind] = [each for each in objects[kind] if each["metadata"]["name"] != name]


def _named(objects: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return next(each for each in objects[kind] if each["metadata"]["name"] == name)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda o: _drop(o, "deployments", "registry"), "registry is missing"),
        (
            lambda o: _named(o, "deployments", "registry")["status"].update(availableReplicas=0),
            "registry has 0 of 1 pods ready",
        ),
        (
            lambda o: _named(o, "deployments", "registry")["metadata"].update(generation=2),
            "registry was changed and nothing has looked at it yet",
        ),
        (
            lambda o: _named(o, "deployments", "registry")["spec"].update(replicas=0),
            "registry has 1 of 0 pods ready",
        ),
        (lambda o: _drop(o, "services", "registry"), "Service registry is missing"),
        (
            lambda o: _named(o, "services", "registry")["spec"].update(clusterIP="10.43.7.7"),
            "Service registry has 10.43.7.7",
        ),
        (
            lambda o: _named(o, "services", "registry-external").update(status={}),
            "Service registry-external has no address of the pool",
        ),
        (
            lambda o: _drop(o, "services", "registry-external"),
            "Service registry-external has no address of the pool",
        ),
    ],
)
def test_a_registry_that_is_not_up_says_what_is_wrong(change: Any, found: str) -> None:
    [finding] = up(change)

    assert (finding.status, finding.found) == (Status.FAIL, found)


def test_every_part_of_harbor_must_run() -> None:
    [finding] = up(of=HARBOR)

    assert finding.status is Status.FAIL
    assert finding.found.startswith("harbor-core is missing; harbor-jobservice is missing")


@dataclass(frozen=True)
class Disk:
    """A host whose df says this."""

    line: str

    unreachable: Any = None

    def run(self, host: str, command: str, **_: Any) -> Ran:  # noqa: ARG002 - a host like any other
        return Ran(0, f"Filesystem 1024-blocks Used Available Capacity Mounted on\n{self.line}\n")


def on(node: str) -> dict[str, Any]:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


def kept(line: str) -> dict[str, tuple[Status, str]]:
    name = "pvc-minio"
    lists = {
        "persistentvolumeclaims": [claim("registry", "registry")],
        "persistentvolumes": [volume(name, hostPath={"path": "/data/x"}, nodeAffinity=on("w1"))],
    }
    lists["persistentvolumeclaims"][0]["spec"]["volumeName"] = name
    return by_check(room(REGISTRY, seen(lambda all_: all_.update(lists)), Disk(line)))  # type: ignore[arg-type]


def test_room_for_layers_is_judged_where_they_lie() -> None:
    assert kept("/dev/sda 209715200 0 104857600 50% /data")["REG-03"][0] is Status.PASS
    assert kept("/dev/sda 209715200 0 1048576 99% /data")["REG-03"] == (
        Status.FAIL,
        "1 of 200 GiB free in /data, 50Gi declared",
    )
    assert kept("df: no")["REG-03"][0] is Status.UNAVAILABLE


def test_a_cluster_without_a_registry_says_nothing_of_one() -> None:
    found = prove_hosts(CLUSTER, lambda host, command: Ran(0, ""), {}, {"lock": LOCK})

    assert [each for each in found if each.group == "reg"] == []
    assert up(of=CLUSTER) == []
