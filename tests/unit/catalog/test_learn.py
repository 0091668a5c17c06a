"""Learning, fetching and serving, against a publisher on loopback."""

from __future__ import annotations

import hashlib
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.catalog import FileEntry, ImageEntry, LockedFile, LockedImage, Needed, learn, lock, mirror
from deploy.errors import RunError

CONTENT = b"a kubelet, or what stands for one"
SHA = hashlib.sha256(CONTENT).hexdigest()


def quiet(_: str) -> None:
    pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[str]:
    """A publisher with one file, its checksum file, and a checksum file that states nothing."""
    root = tmp_path / "publisher"
    root.mkdir()
    (root / "kubelet").write_bytes(CONTENT)
    (root / "kubelet.sha256").write_text(f"{SHA}\n")
    (root / "empty.sha256").write_text("")
    with mirror.server(root, "127.0.0.1", 0, quiet) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def entry(publisher: str, checksum: str = "kubelet.sha256") -> FileEntry:
    return FileEntry("kubelet@v1.36.3", "v1.36.3", "amd64", f"{publisher}/kubelet", f"{publisher}/{checksum}")


def test_what_the_publisher_states_is_learnt(publisher: str) -> None:
    learnt = learn.learn(Needed((entry(publisher),), ()), quiet)

    assert learnt.unlearned == []
    assert learnt.files == [
        ("kubelet@v1.36.3", "amd64", LockedFile("kubelet@v1.36.3", "v1.36.3", f"{publisher}/kubelet", SHA))
    ]


def test_an_image_whose_digest_the_inventory_names_is_not_asked_for() -> None:
    named = ImageEntry("model-qwen", "registry.home.arpa/vllm:1", f"sha256:{SHA}")

    learnt = learn.learn(Needed((), (named,)), quiet)

    assert learnt.images == [("model-qwen", LockedImage("registry.home.arpa/vllm:1", f"sha256:{SHA}"))]


def test_another_digest_in_the_inventory_is_not_what_a_publisher_replaced(tmp_path: Path) -> None:
    before = LockedImage("registry.home.arpa/vllm:1", f"sha256:{'f' * 64}")
    lock.save(tmp_path / "lab.lock.yaml", [], [("model-qwen", before)])
    named = ImageEntry("model-qwen", before.ref, f"sha256:{SHA}")

    learnt = learn.learn(Needed((), (named,)), quiet)

    assert learnt.changed(lock.load(tmp_path / "lab.lock.yaml")) == []


def test_everything_that_stays_unknown_is_named(publisher: str) -> None:
    gone, nowhere = ImageEntry("pause", "127.0.0.1:1/pause:1"), "https://127.0.0.1:1/v2/pause/manifests/1"

    learnt = learn.learn(
        Needed((entry(publisher, "empty.sha256"), entry(publisher, "no.sha256")), (gone,)), quiet
    )

    assert learnt.files == []
    assert learnt.unlearned == [
        f"kubelet@v1.36.3 amd64: {publisher}/empty.sha256 states no sha256 of kubelet",
        f"kubelet@v1.36.3 amd64: {publisher}/no.sha256 answered 404 File not found",
        f"127.0.0.1:1/pause:1: {nowhere} could not be reached: [Errno 111] Connection refused",
    ]


def locked(publisher: str, path: Path, sha256: str = SHA) -> lock.Lock:
    file = LockedFile("kubelet@v1.36.3", "v1.36.3", f"{publisher}/kubelet", sha256)
    image = LockedImage("registry.k8s.io/pause:3.10.2", f"sha256:{sha256}")
    lock.save(path, [("kubelet@v1.36.3", "amd64", file)], [("pause", image)])
    return lock.load(path)


def test_a_file_that_was_replaced_under_its_version_is_noticed(publisher: str, tmp_path: Path) -> None:
    known = locked(publisher, tmp_path / "lab.lock.yaml", "f" * 64)
    learnt = learn.learn(Needed((entry(publisher),), ()), quiet)
    learnt.images.append(("pause", LockedImage("registry.k8s.io/pause:3.10.2", f"sha256:{SHA}")))

    assert learnt.changed(known) == [
        f"kubelet@v1.36.3 v1.36.3 amd64: locked as {'f' * 64}, its publisher now states {SHA}",
        f"registry.k8s.io/pause:3.10.2: locked as sha256:{'f' * 64}, its registry now has sha256:{SHA}",
    ]


def test_a_mirror_holds_verified_files_under_their_upstream_paths(publisher: str, tmp_path: Path) -> None:
    [file] = mirror.locked_files(locked(publisher, tmp_path / "lab.lock.yaml"))
    directory = tmp_path / "mirror"

    assert mirror.fetch(directory, file) is True
    assert mirror.fetch(directory, file) is False
    assert mirror.place(directory, file) == directory / publisher.removeprefix("http://") / "kubelet"
    assert mirror.place(directory, file).read_bytes() == CONTENT


def test_a_file_with_another_digest_is_not_kept(publisher: str, tmp_path: Path) -> None:
    [file] = mirror.locked_files(locked(publisher, tmp_path / "lab.lock.yaml", "f" * 64))

    with pytest.raises(RunError) as refused:
        mirror.fetch(tmp_path / "mirror", file)

    assert str(refused.value) == (
        f"{publisher}/kubelet: wanted sha256 {'f' * 64}, found {SHA}; it was not kept"
    )
    assert [path for path in (tmp_path / "mirror").rglob("*") if path.is_file()] == []


def test_a_mirror_serves_what_it_holds_and_says_who_asked(publisher: str, tmp_path: Path) -> None:
    [file] = mirror.locked_files(locked(publisher, tmp_path / "lab.lock.yaml"))
    mirror.fetch(tmp_path / "mirror", file)
    said: list[str] = []

    with mirror.server(tmp_path / "mirror", "127.0.0.1", 0, said.append) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        path = f"/{publisher.removeprefix('http://')}/kubelet"
        with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}{path}") as answer:
            assert answer.read() == CONTENT
        server.shutdown()

    assert said == [f'127.0.0.1 "GET {path} HTTP/1.1" 200 -']


def test_a_mirror_that_is_not_there_names_what_fills_it(tmp_path: Path) -> None:
    with pytest.raises(RunError) as refused:
        mirror.server(tmp_path / "none", "127.0.0.1", 0, quiet)

    assert str(refused.value) == (
        f"{tmp_path}/none is not a directory; fill one with: slipway artifacts fetch INVENTORY DIR"
    )
