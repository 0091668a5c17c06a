from __future__ import annotations

from pathlib import Path

from deploy import catalog
from deploy.catalog import ImageEntry
from deploy.lab import oci, recipes, supply
from deploy.lab.supply import Supply
from deploy.lab.workshop import MadeFile, MadeImage, recipe_of

TWO_VERSIONS = ["v1.36.3", "v1.35.4"]


def test_a_lab_serves_one_architecture_and_every_version_that_was_asked_for() -> None:
    files, images = supply.wanted(TWO_VERSIONS)

    assert sorted(entry.key for entry, _ in files) == [
        "cni-plugins",
        "containerd",
        "flannel-chart",
        "helm",
        "kubeadm@v1.35.4",
        "kubeadm@v1.36.3",
        "kubectl@v1.35.4",
        "kubectl@v1.36.3",
        "kubelet@v1.35.4",
        "kubelet@v1.36.3",
        "metallb-chart",
        "runc",
    ]
    assert {entry.arch for entry, _ in files} == {"amd64", "any"}
    assert {version for entry, version in images if entry.key.startswith("etcd@")} == set(TWO_VERSIONS)
    assert {"flannel", "flannel-cni-plugin", "metallb-controller", "metallb-speaker"} <= {
        entry.key for entry, _ in images
    }


def test_a_plain_lab_makes_nothing_that_only_some_inventories_need() -> None:
    _, images = supply.wanted(["v1.36.3"])

    assert [entry.key for entry, _ in images if "@" not in entry.key] == [
        "flannel",
        "flannel-cni-plugin",
        "metallb-controller",
        "metallb-speaker",
        "simulated-gpus",
    ]


def test_what_inventories_ask_for_is_made_where_there_is_a_recipe() -> None:
    known = catalog.load()
    chosen = ImageEntry("model-tiny", known.images["vllm-cpu"])
    asked = [known.image("minio"), known.image("flannel"), known.image("harbor-core"), chosen]

    _, images = supply.wanted(["v1.36.3"], asked)

    assert [entry.key for entry, _ in images if "@" not in entry.key] == [
        "flannel",
        "flannel-cni-plugin",
        "metallb-controller",
        "metallb-speaker",
        "simulated-gpus",
        "minio",
        "model-tiny",
    ]
    assert recipe_of(chosen, recipes.load()) == "vllm-cpu"


def test_what_only_a_lab_has_that_is_asked_for_it_is_made_for_no_other() -> None:
    [(name, ref)] = recipes.own_images(on_request=True).items()

    _, images = supply.wanted(["v1.36.3"], [ImageEntry(name, ref)])

    assert [entry.ref for entry, _ in images if entry.key == name] == [ref]
    assert name not in {entry.key for entry, _ in supply.wanted(["v1.36.3"])[1]}


def test_an_image_that_cannot_be_made_is_named() -> None:
    known = catalog.load()

    assert supply.unmade([known.image("minio"), known.image("vllm-xpu")]) == [
        "  docker.io/vllm/vllm-openai-xpu:v0.32.0: the lab has no recipe for it, so its hosts cannot pull it"
    ]


def test_the_lock_file_has_upstreams_names_and_the_digests_of_what_was_built(tmp_path: Path) -> None:
    [kubelet, *_] = [entry for entry, _ in supply.wanted(["v1.36.3"])[0] if entry.key == "kubelet@v1.36.3"]
    [pause] = [entry for entry, _ in supply.wanted(["v1.36.3"])[1] if entry.key == "pause@v1.36.3"]
    made = Supply(
        (MadeFile(kubelet, tmp_path / "kubelet", "ab" * 32),),
        (MadeImage(pause, oci.Blob(f"sha256:{'cd' * 32}", tmp_path / "manifest.json"), ()),),
        tmp_path / "registry",
    )

    made.write_lock(tmp_path / "inventories/lab.lock.yaml")

    lock = catalog.lock.load(tmp_path / "inventories/lab.lock.yaml")
    assert lock.file("kubelet@v1.36.3", "amd64") == catalog.LockedFile(
        "kubelet@v1.36.3",
        "v1.36.3",
        "https://dl.k8s.io/release/v1.36.3/bin/linux/amd64/kubelet",
        "ab" * 32,
    )
    assert lock.image("pause@v1.36.3").pinned == f"registry.k8s.io/pause:3.10.2@sha256:{'cd' * 32}"


def test_a_mirror_has_each_file_under_its_upstream_url(tmp_path: Path) -> None:
    [runc] = [entry for entry, _ in supply.wanted(["v1.36.3"])[0] if entry.key == "runc"]
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
        supply.lay_out([MadeFile(runc, tmp_path / name, "")], tmp_path / "mirror")

    [found] = [path for path in (tmp_path / "mirror").rglob("*") if path.is_file()]
    assert str(found.relative_to(tmp_path / "mirror")) == (
        "github.com/opencontainers/runc/releases/download/v1.4.3/runc.amd64"
    )
    assert found.read_text() == "new"
