"""Volumes and the object store's workload as the API and a host's df show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from clusters import CLUSTER, Ran, claim, statefulset, storage_class, volume
from stores_world import EXTERNAL, STORED, said, seen

from checks.acceptance.room import room
from checks.cluster.snapshot import paths
from checks.cluster.storage import in_order, store_is_up
from deploy.model import Cluster


def orderly(**lists: list[dict[str, Any]] | None) -> list[tuple[str, str, str]]:
    return said([*in_order(STORED, seen(**lists))])


def test_volumes_are_read_only_where_some_are_declared() -> None:
    assert "persistentvolumes" in paths(STORED)
    assert "persistentvolumes" not in paths(CLUSTER)
    assert [*in_order(CLUSTER, seen())] == []


def test_one_default_class_and_bound_claims_are_in_order() -> None:
    assert orderly() == [("K8S-10", "pass", "local-path by default, 1 claims")]


@pytest.mark.parametrize(
    ("classes", "found"),
    [
        ([], "there is no storage class"),
        ([storage_class("local-path", default=False)], "no class is the default, not local-path"),
        ([storage_class("ceph")], "ceph is the default, not local-path"),
        (
            [storage_class("local-path"), storage_class("ceph")],
            "2 classes are the default: ceph, local-path",
        ),
    ],
    ids=["none", "no default", "another", "two"],
)
def test_a_default_that_is_not_one_is_found(classes: list[dict[str, Any]], found: str) -> None:
    assert orderly(storageclasses=classes) == [("K8S-10", "fail", found)]


def user(namespace: str, name: str) -> dict[str, Any]:
    volumes = [{"name": "tmp", "emptyDir": {}}, {"persistentVolumeClaim": {"claimName": name}}]
    return {"metadata": {"namespace": namespace, "name": "pod"}, "spec": {"volumes": volumes}}


@pytest.mark.parametrize(
    ("claims", "pods", "status"),
    [
        ([claim("default", "later", "Pending")], [], "pass"),
        ([claim("default", "later", "Pending")], [user("other", "later")], "pass"),
        ([claim("default", "later", "Pending")], [user("default", "later")], "fail"),
        ([claim("default", "later", "Pending", of="fast")], [], "fail"),
        ([claim("default", "later", "Lost")], [], "fail"),
        ([claim("slipway-verify-r1", "volume", "Pending")], [user("slipway-verify-r1", "volume")], "pass"),
    ],
    ids=["no pod yet", "another's pod", "a pod waits", "bound at once", "lost", "a verify's"],
)
def test_a_claim_is_waited_for_only_when_a_pod_wants_it(
    claims: list[dict[str, Any]], pods: list[dict[str, Any]], status: str
) -> None:
    [(_, found, text)] = orderly(persistentvolumeclaims=claims, pods=pods)

    assert found == status
    assert status == "pass" or text in ("default/later is Pending", "default/later is Lost")


def test_a_volume_of_the_store_that_would_go_with_its_claim_is_found() -> None:
    assert orderly(persistentvolumes=[volume("pvc-minio", "Delete")]) == [
        ("K8S-10", "fail", "the volume of object-store/minio would be deleted with it")
    ]


def test_a_list_that_could_not_be_read_is_no_order() -> None:
    assert orderly(persistentvolumes=None) == [("K8S-10", "unavailable", "timed out")]


def up(cluster: Cluster = STORED, **lists: list[dict[str, Any]] | None) -> list[tuple[str, str, str]]:
    return said([*store_is_up(cluster, seen(**lists))])


def test_a_store_is_up_when_its_pod_is_ready_on_its_volume() -> None:
    assert up() == [("S3-01", "pass", "1/1 pods, the claim is Bound")]
    assert up(CLUSTER) == []
    assert up(EXTERNAL) == [("S3-01", "skipped", "https://s3.home.arpa is not of this cluster")]


def behind() -> dict[str, Any]:
    workload = statefulset("object-store", "minio")
    return {**workload, "metadata": {**workload["metadata"], "generation": 3}}


@pytest.mark.parametrize(
    ("name", "items", "found"),
    [
        ("statefulsets", [], "no workload, the claim is Bound"),
        ("statefulsets", [statefulset("other", "minio")], "no workload, the claim is Bound"),
        ("statefulsets", [statefulset("object-store", "minio", 0)], "0/1 pods, the claim is Bound"),
        ("statefulsets", [behind()], "0/1 pods, the claim is Bound"),
        ("persistentvolumeclaims", [], "1/1 pods, the claim is missing"),
        (
            "persistentvolumeclaims",
            [claim("object-store", "minio", "Pending")],
            "1/1 pods, the claim is Pending",
        ),
    ],
    ids=["gone", "another's", "not ready", "changed just now", "no claim", "not bound"],
)
def test_a_store_that_is_not_up_is_found(name: str, items: list[dict[str, Any]], found: str) -> None:
    assert up(**{name: items}) == [("S3-01", "fail", found)]


@dataclass
class Host:
    df: str = ""
    rc: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert (stdin, bool(timeout)) == (None, True)
        self.asked.append((host, command))
        return Ran(self.rc, self.df, "no such file" if self.rc else "")


def lying(node: str = "w1", **spec: Any) -> dict[str, Any]:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}}
    return volume(
        "pvc-minio", nodeAffinity=affinity, **(spec or {"hostPath": {"path": "/data/volumes/pvc 1"}})
    )


def df(total_gib: int, free_gib: int) -> str:
    used = total_gib - free_gib
    numbers = f"{total_gib << 20} {used << 20} {free_gib << 20} {100 * used // total_gib}% /data"
    return f"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sdb1 {numbers}\n"


def roomy(host: Host, **lists: list[dict[str, Any]] | None) -> list[tuple[str, str, str]]:
    return said([*room(STORED, seen(**{"persistentvolumes": [lying()], **lists}), host)])


def test_room_is_looked_at_where_the_volume_lies() -> None:
    host = Host(df(400, 300))

    assert roomy(host) == [("S3-03", "pass", "300 of 400 GiB free in /data, 20Gi declared")]
    assert host.asked == [("w1", "df -P -k -- '/data/volumes/pvc 1'")]


@pytest.mark.parametrize(
    ("total", "free"), [(400, 39), (19, 19)], ids=["nearly full", "smaller than declared"]
)
def test_a_disk_that_is_full_or_too_small_is_found(total: int, free: int) -> None:
    assert roomy(Host(df(total, free))) == [
        ("S3-03", "fail", f"{free} of {total} GiB free in /data, 20Gi declared")
    ]


@pytest.mark.parametrize(
    ("host", "lists", "found"),
    [
        (Host(rc=1), {}, "df said nothing of /data/volumes/pvc 1: no such file"),
        (Host("?"), {}, "df said nothing of /data/volumes/pvc 1: ?"),
        (Host(), {"persistentvolumes": None}, "timed out"),
        (Host(), {"persistentvolumeclaims": []}, "its claim has no volume (S3-01)"),
    ],
    ids=["df fails", "df babbles", "no answer", "no claim"],
)
def test_room_that_could_not_be_read_is_none(host: Host, lists: Any, found: str) -> None:
    assert roomy(host, **lists) == [("S3-03", "unavailable", found)]


@pytest.mark.parametrize("there", [lying("elsewhere"), lying(csi={"driver": "x"})], ids=["no host", "csi"])
def test_a_volume_on_no_host_is_left_to_who_made_it(there: dict[str, Any]) -> None:
    [(_, status, _)] = roomy(Host(), persistentvolumes=[there])

    assert status == "skipped"
