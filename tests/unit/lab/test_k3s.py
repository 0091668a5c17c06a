"""What the lab's k3s is made of: one executable with everything behind it, and an archive of images."""

from __future__ import annotations

import json
import tarfile
import zipfile
from pathlib import Path

from deploy.catalog import ImageEntry
from deploy.lab import k3s, oci, supply
from deploy.lab.k3s.images import archive
from deploy.lab.k3s.pack import packed
from deploy.lab.workshop import MadeImage

VERSION = "v1.36.3+k3s1"


def test_a_lab_of_k3s_serves_k3s_and_what_a_verify_needs_beside_it() -> None:
    files, images = supply.wanted([VERSION])

    assert sorted(entry.key for entry, _ in files if "@" in entry.key) == [
        f"k3s-airgap-images@{VERSION}",
        f"k3s@{VERSION}",
    ]
    assert [entry.key for entry, _ in images if "@" in entry.key] == [f"agnhost@{VERSION}"]
    assert {version for _, version in images} == {"v1.36.3"}
    assert {entry.arch for entry, _ in files} == {"amd64", "any"}


def test_versions_of_k3s_and_of_kubernetes_are_told_apart() -> None:
    assert [k3s.is_version(version) for version in (VERSION, "v1.36.3")] == [True, False]
    assert k3s.plain(VERSION) == k3s.plain("v1.36.3") == "v1.36.3"


def made(folder: Path) -> bytes:
    """Pack a front, a program and a text below a folder, and return the executable's bytes."""
    (folder / "built").mkdir(parents=True)
    front, program, text = folder / "front", folder / "built/etcd", folder / "flags.yaml"
    front.write_bytes(b"\x7fELF front")
    program.write_bytes(b"etcd" * 1000)
    text.write_text("server: {}\n")
    packed(folder / "k3s", front, VERSION, {"bin/etcd": program}, {"flags.yaml": text})
    return (folder / "k3s").read_bytes()


def test_the_executable_is_a_program_with_an_archive_behind_it(tmp_path: Path) -> None:
    content = made(tmp_path / "one")

    target = tmp_path / "one/k3s"
    assert content.startswith(b"\x7fELF front")
    assert target.stat().st_mode & 0o777 == 0o755
    with zipfile.ZipFile(target) as inside:
        assert inside.testzip() is None
        assert inside.namelist() == ["bin/etcd", "flags.yaml", "version", "payload"]
        assert inside.read("version").decode() == VERSION
        assert inside.read("bin/etcd") == b"etcd" * 1000


def test_the_same_content_is_the_same_executable(tmp_path: Path) -> None:
    assert made(tmp_path / "one") == made(tmp_path / "two")


def test_images_are_imported_under_their_own_names(tmp_path: Path) -> None:
    for name in ("manifest.json", "config.json", "layer.tar"):
        (tmp_path / name).write_text(name)
    blobs = {name: oci.blob(tmp_path / name) for name in ("manifest.json", "config.json", "layer.tar")}
    image = MadeImage(
        ImageEntry("pause", "docker.io/rancher/mirrored-pause:3.6"),
        blobs["manifest.json"],
        (blobs["config.json"], blobs["layer.tar"]),
    )

    archive(tmp_path / "images.tar.gz", [image])

    with tarfile.open(tmp_path / "images.tar.gz") as inside:
        names = set(inside.getnames())
        index = inside.extractfile("index.json")
        assert index is not None
        [manifest] = json.load(index)["manifests"]
    assert names == {
        "index.json",
        "oci-layout",
        *(f"blobs/sha256/{blob.digest.removeprefix('sha256:')}" for blob in blobs.values()),
    }
    assert manifest["digest"] == blobs["manifest.json"].digest
    assert manifest["annotations"] == {"io.containerd.image.name": "docker.io/rancher/mirrored-pause:3.6"}
