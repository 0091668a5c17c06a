"""Volumes: what is installed, what is declared, and which folders a host gets."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from deploy.catalog import storage_needs
from deploy.model import Cluster
from deploy.plan import phases
from deploy.steps.k3s import config
from deploy.steps.storage import declared, local_path

GOLDEN = Path(__file__).with_name("golden")
FILES = Path(__file__).parents[3] / "files" / "storage"
IMAGES = {
    "local-path-provisioner": "docker.io/rancher/local-path-provisioner@sha256:aa",
    "busybox": "docker.io/library/busybox@sha256:bb",
}
STORAGE: dict[str, Any] = {
    "path": "/data/volumes",
    "volumes": [{"name": "models", "node": "w1", "path": "/data/models", "size": "500Gi"}],
    "nfs": [{"name": "shared", "server": "192.168.1.5", "path": "/export/models", "size": "2Ti"}],
}


def cluster(**keys: Any) -> Cluster:
    nodes = [
        {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
        {"name": "w1", "address": "10.0.0.12", "roles": ["worker"]},
    ]
    return Cluster.model_validate({"name": "lab", "nodes": nodes, **keys})


def test_everything_that_makes_volumes_is_as_it_was_looked_at() -> None:
    storage = cluster(storage=STORAGE).storage
    assert storage is not None

    rendered = [*local_path.objects(storage, IMAGES), *declared.objects(storage)]

    assert rendered == list(yaml.safe_load_all((GOLDEN / "storage.yaml").read_text()))


def test_a_class_that_is_not_the_default_says_so() -> None:
    annotations = local_path.storage_class(default=False)["metadata"]["annotations"]

    assert annotations == {"storageclass.kubernetes.io/is-default-class": "false"}


def test_another_path_is_another_pod_of_the_provisioner() -> None:
    def digest(path: str) -> str:
        storage = cluster(storage={"path": path}).storage
        assert storage is not None
        [deployment] = [obj for obj in local_path.objects(storage, IMAGES) if obj["kind"] == "Deployment"]
        annotation: str = deployment["spec"]["template"]["metadata"]["annotations"]["slipway.dev/config"]
        return annotation

    assert digest("/a") == digest("/a") != digest("/b")


def test_a_host_gets_the_folders_of_its_own_volumes() -> None:
    declared, bare = cluster(storage=STORAGE), cluster()
    alone = Cluster.model_validate({"name": "lab", "nodes": [bare.nodes[0].model_dump()], "storage": {}})

    assert alone.folders(alone.nodes[0]) == ("/var/lib/slipway/volumes",)
    assert bare.folders(bare.nodes[0]) == ()

    assert {node.name: declared.folders(node) for node in declared.nodes} == {
        "cp1": (),
        "w1": ("/data/volumes", "/data/models"),
    }


def test_volumes_come_after_the_nodes_and_before_what_needs_them() -> None:
    names = [phase.name for phase in phases(cluster(storage={}, object_store={}))]

    assert names[-3:] == ["volumes", "storage", "object-store"]
    assert not {"volumes", "storage", "object-store"} & {phase.name for phase in phases(cluster())}


def test_k3s_leaves_volumes_to_a_declared_storage() -> None:
    k3s = {"distribution": "k3s", "version": "v1.36.3+k3s1"}
    plain, ours = cluster(kubernetes=k3s), cluster(kubernetes=k3s, storage={})

    assert "disable" not in config.server(plain, plain.nodes[0])
    assert config.server(ours, ours.nodes[0])["disable"] == ["local-storage"]


def test_only_what_is_declared_is_fetched() -> None:
    def keys(**declared: Any) -> list[str]:
        return [image.key for image in storage_needs.images(cluster(**declared))]

    assert keys() == []
    assert keys(storage={}) == ["local-path-provisioner", "busybox"]
    assert keys(object_store={}) == ["minio", "mc", "rclone"]
    assert keys(object_store={"image": "quay.io/x/minio:1"}) == ["mc", "rclone"]
    assert keys(object_store={"provider": "external"}) == ["rclone"]


def test_a_folder_is_made_for_everyone_and_removed_alone(tmp_path: Path) -> None:
    folder, beside = tmp_path / "volumes" / "pvc-1 with a space", tmp_path / "volumes" / "pvc-2"
    beside.mkdir(parents=True)

    def run(script: str) -> int:
        environment = {**os.environ, "VOL_DIR": str(folder)}
        return subprocess.run(["sh", FILES / script], env=environment, check=False).returncode

    assert run("setup.sh") == 0
    assert folder.stat().st_mode & 0o777 == 0o777
    assert run("teardown.sh") == 0
    assert [*beside.parent.iterdir()] == [beside]


def test_without_a_folder_nothing_is_removed() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "VOL_DIR"}
    ran = subprocess.run(["sh", FILES / "teardown.sh"], env=environment, check=False, capture_output=True)

    assert ran.returncode != 0
