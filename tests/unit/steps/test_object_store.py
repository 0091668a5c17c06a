"""The object store: what is installed, what its user may do, and how its buckets are made."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.model import ObjectStore
from deploy.observe import inside
from deploy.steps.object_store import left, minio, seaweedfs
from deploy.steps.object_store.objects import namespace

GOLDEN = Path(__file__).with_name("golden")
SCRIPT = Path(__file__).parents[3] / "files" / "object_store" / "buckets.sh"
WEED, RCLONE = "docker.io/chrislusf/seaweedfs@sha256:cc", "docker.io/rclone/rclone@sha256:dd"
IMAGE, CLIENT = "docker.io/pgsty/silo@sha256:aa", "docker.io/pgsty/mc@sha256:bb"


def store(**keys: Any) -> ObjectStore:
    return ObjectStore.model_validate({"size": "20Gi", "buckets": ["models", "registry"], **keys})


def test_everything_that_stores_objects_is_as_it_was_looked_at() -> None:
    placed = store(placement={"node_selector": {"tier": "gpu"}, "tolerations": [{"key": "gpu"}]})

    rendered = [namespace(), *minio.objects(placed, IMAGE), minio.buckets(placed, CLIENT)]

    assert rendered == list(yaml.safe_load_all((GOLDEN / "object-store.yaml").read_text()))


def test_seaweedfs_is_as_it_was_looked_at() -> None:
    other = store(provider="seaweedfs")

    rendered = [*seaweedfs.objects(other, WEED), seaweedfs.buckets(other, RCLONE)]

    assert rendered == list(yaml.safe_load_all((GOLDEN / "object-store-seaweedfs.yaml").read_text()))
    assert other.url == "https://seaweedfs.object-store.svc:8333"


def test_of_seaweedfs_only_s3_can_be_reached_and_only_with_a_key() -> None:
    [workload] = [obj for obj in seaweedfs.objects(store(), WEED) if obj["kind"] == "StatefulSet"]
    [container] = workload["spec"]["template"]["spec"]["containers"]

    assert {"-ip.bind=127.0.0.1", "-s3.ip.bind=0.0.0.0"} <= {*container["command"]}
    assert "-s3.config=/run/identities/s3.json" in container["command"]
    assert [each["containerPort"] for each in container["ports"]] == [8333]


def test_seaweedfs_knows_its_users_from_the_pods_memory(tmp_path: Path) -> None:
    script = (SCRIPT.parent / "seaweedfs-identities.sh").read_text().replace("/run/identities", str(tmp_path))
    keys = {"ROOT_USER": "root", "ROOT_PASSWORD": "a1", "ACCESS_KEY": "slipway", "SECRET_KEY": "b2"}
    environment = {**os.environ, **keys, "ACTIONS": json.dumps(seaweedfs.actions(store(buckets=["models"])))}

    subprocess.run(["sh", "-c", script], env=environment, check=True)

    written = tmp_path / "s3.json"
    root, user = json.loads(written.read_text())["identities"]
    assert written.stat().st_mode & 0o077 == 0
    assert root["credentials"] == [{"accessKey": "root", "secretKey": "a1"}]
    assert user == {
        "name": "slipway",
        "credentials": [{"accessKey": "slipway", "secretKey": "b2"}],
        "actions": ["Read:models", "Write:models", "List:models", "Tagging:models"],
    }


def test_a_class_is_named_only_where_it_is_declared() -> None:
    [claim, *_] = minio.objects(store(), IMAGE)
    [named, *_] = minio.objects(store(storage_class="ceph"), IMAGE)

    assert "storageClassName" not in claim["spec"]
    assert named["spec"]["storageClassName"] == "ceph"


def test_the_user_may_use_the_objects_of_its_buckets_and_nothing_else() -> None:
    statements = minio.policy(store())["Statement"]

    assert {resource for each in statements for resource in each["Resource"]} == {
        "arn:aws:s3:::models",
        "arn:aws:s3:::registry",
        "arn:aws:s3:::models/*",
        "arn:aws:s3:::registry/*",
    }
    actions = {action for each in statements for action in each["Action"]}
    assert not {"s3:*", "s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketPolicy"} & actions


def test_another_bucket_is_another_job_and_the_same_ones_are_none() -> None:
    def name(*buckets: str) -> str:
        found: str = minio.buckets(store(buckets=buckets), CLIENT)["metadata"]["name"]
        return found

    assert name("models") == name("models") != name("models", "registry")


def test_no_secret_is_written_into_an_object() -> None:
    pods = [
        obj["spec"]["template"]["spec"]["containers"][0]
        for obj in [*minio.objects(store(), IMAGE), minio.buckets(store(), CLIENT)]
        if "template" in obj["spec" if "spec" in obj else "data"]
    ]
    secret = ("PASSWORD", "SECRET", "ROOT_USER", "ACCESS_KEY")

    plain = [
        each["name"]
        for pod in pods
        for each in pod["env"]
        if any(word in each["name"] for word in secret) and "valueFrom" not in each
    ]
    assert plain == []
    assert not any("PASSWORD" in argument for pod in pods for argument in pod.get("args", []))


def made(tmp_path: Path, answer: str = "exit 0") -> tuple[int, list[str], str]:
    """Run the Job's script with an mc that notes what it is asked, and `answer`s an attach."""
    client = tmp_path / "mc"
    client.write_text(
        f'#!/bin/sh\necho "$*" >> {tmp_path}/asked\n'
        f"case $* in *'user add'*) cat > {tmp_path}/stdin;; *attach*) {answer};; esac\n"
    )
    client.chmod(0o755)
    ran = subprocess.run(
        ["sh", SCRIPT],
        env={
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "BUCKETS": "models registry",
            "ACCESS_KEY": "slipway",
            "SECRET_KEY": "s3cret",
            "POLICY": "slipway",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, (tmp_path / "asked").read_text().splitlines(), ran.stdout + ran.stderr


def test_buckets_and_their_user_are_made_and_the_secret_is_no_argument(tmp_path: Path) -> None:
    rc, asked, said = made(tmp_path)

    assert rc == 0
    assert asked == [
        "mb --quiet --ignore-existing store/models",
        "mb --quiet --ignore-existing store/registry",
        "admin user add --quiet store",
        "admin policy create --quiet store slipway /config/policy.json",
        "admin policy attach --quiet store slipway --user slipway",
    ]
    assert (tmp_path / "stdin").read_text() == "slipway\ns3cret\n"
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("answer", "rc"),
    [
        ('echo "The specified policy change is already in effect." >&2; exit 1', 0),
        ('echo "Access denied." >&2; exit 1', 1),
    ],
)
def test_a_policy_that_is_attached_already_is_good_and_another_refusal_is_not(
    tmp_path: Path, answer: str, rc: int
) -> None:
    assert made(tmp_path, answer)[0] == rc


def listed(provider: str, tmp_path: Path, weed: str = "") -> inside.Seen:
    """Run a provider's listing on a drive, with a weed that is made up, and read what it prints."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "weed"
    program.write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/asked; cat >{tmp_path}/stdin\n{weed}\n')
    program.chmod(0o755)
    look = left(store(provider=provider)).look
    ran = subprocess.run(
        ["sh", "-c", look.script.replace("/data", str(tmp_path / "data"))],
        env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return inside.parse([*ran.stdout.splitlines(), *ran.stderr.splitlines()])


def test_minio_shows_its_buckets_as_the_folders_of_its_drive(tmp_path: Path) -> None:
    for folder in (".minio.sys", "models", "registry"):
        (tmp_path / "data" / folder).mkdir(parents=True)

    assert listed("minio", tmp_path).names == {"models", "registry"}


def test_a_minio_without_a_bucket_has_none(tmp_path: Path) -> None:
    (tmp_path / "data" / ".minio.sys").mkdir(parents=True)

    names = listed("minio", tmp_path).names

    assert names is not None
    assert not names & {"models", "registry"}


def test_a_drive_that_cannot_be_read_has_not_no_bucket(tmp_path: Path) -> None:
    seen = listed("minio", tmp_path)

    assert seen.names is None
    assert "/data" in seen.why


def test_seaweedfs_shows_its_buckets_by_its_own_shell(tmp_path: Path) -> None:
    printed = "> master: 127.0.0.1:9333\\n  models\\tsize:8\\tchunk:1\\n  registry\\tsize:0\\tchunk:0\\n> \\n"

    seen = listed("seaweedfs", tmp_path, f"printf '{printed}'")

    assert seen.names is not None
    assert seen.names >= {"models", "registry"}
    assert (tmp_path / "stdin").read_text() == "s3.bucket.list\n"
    assert (tmp_path / "asked").read_text() == "shell -master=127.0.0.1:9333 -filer=127.0.0.1:8888\n"


def test_a_seaweedfs_that_does_not_answer_has_not_no_bucket(tmp_path: Path) -> None:
    seen = listed("seaweedfs", tmp_path, "echo 'error: no filer' >&2; exit 1")

    assert seen == inside.Seen(None, "error: no filer")


@pytest.mark.parametrize("provider", ["minio", "seaweedfs"])
def test_buckets_are_looked_for_where_the_store_runs(provider: str) -> None:
    declared = store(provider=provider)
    objects = {"minio": minio, "seaweedfs": seaweedfs}[provider].objects(declared, IMAGE)
    [workload] = [each for each in objects if each["kind"] == "StatefulSet"]

    look = left(declared).look

    assert (look.namespace, look.pod) == ("object-store", f"{workload['metadata']['name']}-0")
    assert look.container in [each["name"] for each in workload["spec"]["template"]["spec"]["containers"]]
    assert left(declared).names == ("models", "registry")


def test_the_policy_is_json() -> None:
    [config] = [obj for obj in minio.objects(store(), IMAGE) if obj["kind"] == "ConfigMap"]

    assert json.loads(config["data"]["policy.json"]) == minio.policy(store())
