"""What the lab's k3s is made of: one executable with everything behind it, and an archive of images."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.catalog import FileEntry, ImageEntry, k3s_flags, mirror
from deploy.lab import k3s, oci, recipes, supply
from deploy.lab.k3s import ipset
from deploy.lab.k3s.images import archive
from deploy.lab.k3s.pack import packed
from deploy.lab.k3s.release import fetched
from deploy.lab.workshop import MadeImage
from deploy.model import load_cluster
from deploy.steps.k3s import config

ROOT = Path(__file__).parents[3]
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


def honoured() -> set[str]:
    """Return the options that the stand-in does something about, as its source lists them."""
    found = re.search(
        r"honoured = strings\.Fields\(`(.*?)`\)", (k3s.SOURCE / "config.go").read_text(), re.DOTALL
    )
    assert found
    return set(found[1].split())


def test_the_stand_in_honours_no_option_that_k3s_does_not_document() -> None:
    flags = k3s_flags.load()

    assert honoured() - (flags.server | flags.node | flags.agent).keys() == set()


@pytest.mark.parametrize("inventory", ["lab-k3s", "lab-homelab"])
def test_the_labs_inventories_ask_the_stand_in_for_nothing_that_it_lacks(inventory: str) -> None:
    declared = load_cluster(ROOT / f"inventories/{inventory}.yaml", keys_exist=False)

    for node in declared.nodes:
        main = config.server(declared, node) if node.is_control_plane else config.agent(declared, node)
        assert {*main, *config.registration(node)} - honoured() == set()


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


def test_what_the_stand_in_starts_is_built_by_a_recipe_and_lies_in_it() -> None:
    modules = recipes.load().modules
    started = re.findall(r'\.start\("([^"]+)"', "".join(path.read_text() for path in k3s.SOURCE.glob("*.go")))

    for what in (*k3s.PROGRAMS.values(), *k3s.PLUGINS.values()):
        module, _, binary = what.partition("/")
        assert binary in modules[module].commands, what
    kubernetes = {"kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"}
    assert "netpol" in started
    assert set(started) <= k3s.PROGRAMS.keys() | kubernetes


def layer(folder: Path) -> Path:
    """Return a layer as Debian packages make it: a library's name is a link to its version."""
    folder.mkdir()
    with tarfile.open(folder / "layer.tar", "w") as into:
        for path in ipset.PARTS.values():
            target = f"{path}.4" if "/lib/" in path else path
            member, content = tarfile.TarInfo(target), target.encode()
            member.size = len(content)
            into.addfile(member, io.BytesIO(content))
            if target != path:
                link = tarfile.TarInfo(path)
                link.type, link.linkname = tarfile.SYMTYPE, Path(target).name
                into.addfile(link)
    return folder / "layer.tar"


def test_ipset_comes_with_what_it_is_linked_to_and_is_called_with_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    found = ipset.bundled(layer(tmp_path / "layer"))

    assert found["libmnl.so.0"].read_text() == f"{ipset.PARTS['libmnl.so.0']}.4"
    assert len({path.parent for path in found.values()}) == 1
    loader = found["ipset"].with_name(ipset.LOADER)
    loader.write_text('#!/bin/sh\necho "$@"\n')
    loader.chmod(0o755)
    said = subprocess.run(["sh", found["ipset"], "list", "a b"], capture_output=True, text=True, check=True)
    here = found["ipset"].parent
    assert said.stdout == f"--library-path {here} {here}/ipset.bin list a b\n"


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


PUBLISHED = {"k3s": b"k3s itself", "k3s-airgap-images-amd64.tar.gz": b"its images"}


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A publisher's folder, served on loopback; its address is in `url`."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "publisher"
    root.mkdir()
    for name, content in PUBLISHED.items():
        (root / name).write_bytes(content)
    digests = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in PUBLISHED.items()]
    (root / "sha256sum-amd64.txt").write_text("".join(digests))
    with mirror.server(root, "127.0.0.1", 0, lambda _: None) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        (root / "url").write_text(f"http://127.0.0.1:{server.server_address[1]}")
        yield root
        server.shutdown()


def entries(publisher: Path) -> list[FileEntry]:
    url = (publisher / "url").read_text()
    keys = {f"k3s@{VERSION}": "k3s", f"k3s-airgap-images@{VERSION}": "k3s-airgap-images-amd64.tar.gz"}
    return [
        FileEntry(key, VERSION, "amd64", f"{url}/{name}", f"{url}/sha256sum-amd64.txt")
        for key, name in keys.items()
    ]


def test_where_k3s_own_release_can_be_fetched_the_lab_has_it_once_and_for_all(publisher: Path) -> None:
    said: list[str] = []

    found = fetched(entries(publisher), said.append)
    (publisher / "sha256sum-amd64.txt").unlink()

    assert {key: path.read_bytes() for key, path in found.items()} == dict(
        zip((f"k3s@{VERSION}", f"k3s-airgap-images@{VERSION}"), PUBLISHED.values(), strict=True)
    )
    assert fetched(entries(publisher), said.append) == found
    assert said == []


@pytest.mark.parametrize(
    ("missing", "cause"),
    [
        ("sha256sum-amd64.txt", "k3s@{0} amd64: {1}/sha256sum-amd64.txt answered 404 File not found"),
        ("k3s-airgap-images-amd64.tar.gz", "{1}/k3s-airgap-images-amd64.tar.gz answered 404 File not found"),
    ],
)
def test_a_release_that_cannot_be_had_whole_is_not_had_at_all_and_that_is_said(
    publisher: Path, missing: str, cause: str
) -> None:
    said: list[str] = []
    (publisher / missing).unlink()

    assert fetched(entries(publisher), said.append) == {}
    assert said == [
        "A k3s stand-in takes the place of k3s, which cannot be fetched: "
        + cause.format(VERSION, (publisher / "url").read_text())
    ]


def test_a_release_that_is_not_what_its_publisher_states_is_not_kept(publisher: Path) -> None:
    said: list[str] = []
    (publisher / "k3s").write_bytes(b"something else")

    assert fetched(entries(publisher), said.append) == {}
    assert "wanted sha256" in said[0]
