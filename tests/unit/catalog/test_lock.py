"""The lock file: stable text, and refusals that say what to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.catalog import LockedFile, LockedImage, LockError, lock

SHA = "0123456789abcdef" * 4
CONTAINERD = LockedFile("containerd", "v2.3.7", "https://example.org/containerd-amd64.tar.gz", SHA)
CHART = LockedFile("flannel-chart", "v0.28.4", "https://example.org/flannel.tgz", "f" * 64)
PAUSE = LockedImage("registry.k8s.io/pause:3.10.2", f"sha256:{SHA}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "lab.lock.yaml"
    lock.save(
        where,
        [("flannel-chart", "any", CHART), ("containerd", "amd64", CONTAINERD)],
        [("pause@v1.36.3", PAUSE)],
    )
    return where


def test_what_was_locked_is_read_back(path: Path) -> None:
    locked = lock.load(path)

    assert locked.file("containerd", "amd64") == CONTAINERD
    assert locked.file("flannel-chart", "arm64") == CHART
    assert locked.image("pause@v1.36.3") == PAUSE
    assert locked.image("pause@v1.36.3").pinned == f"registry.k8s.io/pause:3.10.2@sha256:{SHA}"


def test_equal_content_is_equal_text_and_sorted(path: Path) -> None:
    assert path.read_text() == (
        "# Written by `slipway artifacts lock`: what may be installed. Commit it beside the inventory.\n"
        "files:\n"
        "  containerd:\n"
        "    pins:\n"
        "      amd64:\n"
        f"        sha256: {SHA}\n"
        "        url: https://example.org/containerd-amd64.tar.gz\n"
        "    version: v2.3.7\n"
        "  flannel-chart:\n"
        "    pins:\n"
        "      any:\n"
        f"        sha256: {'f' * 64}\n"
        "        url: https://example.org/flannel.tgz\n"
        "    version: v0.28.4\n"
        "images:\n"
        "  pause@v1.36.3:\n"
        f"    digest: sha256:{SHA}\n"
        "    ref: registry.k8s.io/pause:3.10.2\n"
    )


def test_a_missing_lock_file_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(LockError) as refused:
        lock.load(tmp_path / "homelab.lock.yaml")

    assert str(refused.value) == (
        f"{tmp_path}/homelab.lock.yaml does not exist, so nothing is known to be safe to install. "
        f"Run: slipway artifacts lock {tmp_path}/homelab.yaml"
    )


def test_a_file_without_a_digest_is_refused(path: Path) -> None:
    with pytest.raises(LockError) as refused:
        lock.load(path).file("containerd", "arm64")

    assert str(refused.value) == (
        f"{path}: no digest of containerd for arm64; nothing is installed unverified. "
        f"Run: slipway artifacts lock {path.parent}/lab.yaml"
    )


def test_an_image_without_a_digest_is_refused(path: Path) -> None:
    with pytest.raises(LockError) as refused:
        lock.load(path).image("etcd@v1.36.3")

    assert str(refused.value) == (
        f"{path}: no digest of the image etcd@v1.36.3; nothing is installed unverified. "
        f"Run: slipway artifacts lock {path.parent}/lab.yaml"
    )


@pytest.mark.parametrize("wanted", [PAUSE.ref, PAUSE.pinned])
def test_an_image_that_the_inventory_names_is_the_locked_one(path: Path, wanted: str) -> None:
    assert lock.load(path).image("pause@v1.36.3", wanted) == PAUSE


@pytest.mark.parametrize("wanted", ["registry.k8s.io/pause:3.11", f"{PAUSE.ref}@sha256:{'f' * 64}"])
def test_an_image_that_was_changed_after_it_was_locked_is_refused(path: Path, wanted: str) -> None:
    with pytest.raises(LockError) as error:
        lock.load(path).image("pause@v1.36.3", wanted)

    assert str(error.value) == (
        f"{path}: pause@v1.36.3 is {PAUSE.pinned}, wanted {wanted}; nothing is installed unverified. Run:"
        f" slipway artifacts lock {path.parent}/lab.yaml"
    )


def test_a_broken_digest_is_named_by_its_place(path: Path) -> None:
    path.write_text(path.read_text().replace(f"sha256: {SHA}\n        url", "sha256: abc\n        url"))

    with pytest.raises(LockError) as refused:
        lock.load(path)

    assert str(refused.value) == (
        f"{path} is not a lock file:\n"
        "  files.containerd.pins.amd64.sha256: String should match pattern '^[0-9a-f]{64}$'\n"
        f"Run: slipway artifacts lock {path.parent}/lab.yaml"
    )
