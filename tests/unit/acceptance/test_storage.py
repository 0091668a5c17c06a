"""Volumes and the object store as the API, a host's df and a pod's log show them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from clusters import CLUSTER, claim, statefulset, storage_class, volume

from checks.acceptance import object_store
from checks.acceptance.gates import Gate
from checks.acceptance.hands import Kubectl
from checks.acceptance.object_store import SCRIPT, StoreProbe, closed, kept, told
from checks.acceptance.room import room
from checks.cluster.snapshot import Answer, Snapshot, paths
from checks.cluster.storage import in_order, store_is_up
from checks.finding import Finding
from deploy.catalog import LockedImage
from deploy.model import Cluster, ObjectStore

STORED = Cluster.model_validate(
    {
        **CLUSTER.model_dump(mode="json"),
        "storage": {},
        "object_store": {"size": "20Gi", "buckets": ["models", "registry"]},
    }
)
EXTERNAL = Cluster.model_validate(
    {
        **CLUSTER.model_dump(mode="json"),
        "object_store": {
            "provider": "external",
            "endpoint": "https://s3.home.arpa",
            "credentials": {"access_key": {"env": "A"}, "secret_key": {"env": "B"}},
        },
    }
)
GOOD: dict[str, list[dict[str, Any]]] = {
    "storageclasses": [storage_class("local-path")],
    "persistentvolumeclaims": [claim("object-store", "minio")],
    "persistentvolumes": [volume("pvc-minio")],
    "statefulsets": [statefulset("object-store", "minio")],
    "pods": [],
}


def seen(**lists: list[dict[str, Any]] | None) -> Snapshot:
    answers = {**GOOD, **lists}
    return Snapshot(
        {
            name: Answer(cause="timed out") if items is None else Answer(json.dumps({"items": items}))
            for name, items in answers.items()
        }
    )


def said(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(each.check, each.status.value, each.found) for each in findings]


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


@dataclass(frozen=True)
class Ran:
    rc: int = 0
    out: str = ""
    err: str = ""


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


DIGEST = "a" * 64
LOG = f"""\
written {DIGEST}  -
put
read {DIGEST}  -
deleted
gone
bucket models
bucket registry
refused
"""
STORE = STORED.object_store
assert STORE is not None


SAID = "operation error S3: HeadObject, https response error StatusCode: 403, api error Forbidden: Forbidden"
NOISY = (
    "2026/11/30 08:00:00 NOTICE: Config file not found - using defaults\n"
    "2026/11/30 08:00:00 ERROR : Attempt 1/1 failed with 1 errors and: operation error S3: HeadObject,"
    " https response error StatusCode: 403, RequestID: 18E, HostID: 470, api error Forbidden: Forbidden\n"
)


def without(word: str) -> str:
    return "".join(line for line in LOG.splitlines(keepends=True) if not line.startswith(word))


def judged(log: str) -> tuple[str, str]:
    finding = kept(STORE, told(log), None)  # type: ignore[arg-type]
    return finding.status.value, finding.found


def test_an_object_that_came_back_the_same_and_is_gone_passes() -> None:
    assert judged(LOG) == ("pass", "1 MiB put into models, read back and deleted; 2 buckets")


@pytest.mark.parametrize(
    ("log", "found"),
    [
        ("", "1 MiB in models was not put or read back or deleted; no bucket models, registry can be listed"),
        (without("put"), "1 MiB in models was not put"),
        (without("read"), "1 MiB in models was not read back"),
        (LOG.replace(f"read {DIGEST}", f"read {'b' * 64}"), "1 MiB in models was not read back"),
        (without("written"), "1 MiB in models was not read back"),
        (without("deleted"), "1 MiB in models was not deleted"),
        (without("gone"), "1 MiB in models was not deleted"),
        (without("bucket registry"), "no bucket registry can be listed"),
        (
            without("put") + NOISY,
            f"1 MiB in models was not put: {SAID}",
        ),
    ],
)
def test_whatever_is_missing_of_the_round_is_found(log: str, found: str) -> None:
    assert judged(log) == ("fail", found)


@pytest.mark.parametrize(
    ("log", "status"),
    [
        (LOG, "pass"),
        (LOG.replace("refused", "open"), "fail"),
        (without("refused"), "unavailable"),
        ("", "unavailable"),
    ],
)
def test_only_a_refusal_is_one(log: str, status: str) -> None:
    assert closed(told(log), None).status.value == status


@dataclass
class Api:
    phase: str = "Succeeded"
    log: str | None = LOG
    refuses: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert (host, bool(timeout)) == ("cp1", True)
        words = command.split(" ", 3)[3]
        self.ran.append(words)
        if words.startswith("create"):
            self.made += json.loads(stdin or "")["items"]
            return Ran(1, err=self.refuses) if self.refuses else Ran()
        if words.endswith("/log"):
            return Ran(1, err="timed out") if self.log is None else Ran(out=self.log)
        if words.startswith("get --raw"):
            status = {"phase": self.phase, "containerStatuses": [{"state": {"waiting": {"reason": "Pulls"}}}]}
            return Ran(
                out=json.dumps({"metadata": {"name": "x"}, "spec": {"nodeName": "w1"}, "status": status})
            )
        return Ran()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_store, "ENDED", Gate("the object store's probe", 0.05, every=0.001))


def proven(api: Api, store: ObjectStore | None = STORE) -> list[tuple[str, str, str]]:
    assert store is not None
    image = LockedImage("docker.io/rclone/rclone:1", f"sha256:{DIGEST}")
    kubectl = Kubectl(api, "cp1", "/etc/kubernetes/admin.conf")
    return said(StoreProbe(store, "R1", image, kubectl, lambda _: None).findings())


def test_a_pod_asks_the_store_and_is_gone() -> None:
    api = Api()

    assert [(check, status) for check, status, _ in proven(api)] == [("S3-02", "pass"), ("S3-04", "pass")]
    assert api.ran[-1] == (
        "delete pods --namespace=object-store --ignore-not-found --wait=false slipway-verify-r1"
    )


@pytest.mark.parametrize(
    ("api", "found"),
    [
        (Api(refuses="forbidden"), "forbidden"),
        (Api(phase="Pending", log=None), "Pulls"),
        (Api(log=None), "the pod's log could not be read"),
    ],
    ids=["refused", "never starts", "no log"],
)
def test_a_pod_that_said_nothing_proves_nothing(api: Api, found: str) -> None:
    assert proven(api) == [("S3-02", "unavailable", found), ("S3-04", "unavailable", found)]


def test_keys_come_from_the_secret_and_are_nowhere_else() -> None:
    api = Api()
    proven(api)

    [pod] = api.made
    [container] = pod["spec"]["containers"]
    keys = [
        each
        for each in container["env"]
        if each["name"].startswith("RCLONE_CONFIG_STORE_") and "KEY" in each["name"]
    ]
    assert [each["valueFrom"]["secretKeyRef"] for each in keys] == [
        {"name": "object-store-user", "key": "access-key"},
        {"name": "object-store-user", "key": "secret-key"},
    ]
    assert not any("KEY" in each["name"] for each in container["env"] if "ANYONE" in each["name"])
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


def test_the_script_says_what_it_did(tmp_path: Path) -> None:
    """Run it with an rclone that keeps one object in a file."""
    (tmp_path / "rclone").write_text(
        f"""#!/bin/sh
case $*:$1 in
  *anyone*) echo 'AccessDenied: no' >&2; exit 1;;
  *:copyto) case $2 in store:*) cp {tmp_path}/object "$3";; *) cp "$2" {tmp_path}/object;; esac;;
  *:deletefile) rm {tmp_path}/object;;
  *:lsf) [ ! -e {tmp_path}/object ] || echo it;;
esac
"""
    )
    (tmp_path / "rclone").chmod(0o755)
    script = SCRIPT.replace("/tmp/", f"{tmp_path}/")
    environment = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "BUCKET": "models",
        "BUCKETS": "models registry",
        "OBJECT": "o",
    }

    ran = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)

    assert judged(ran.stdout) == ("pass", "1 MiB put into models, read back and deleted; 2 buckets")
    assert "refused" in told(ran.stdout).facts
