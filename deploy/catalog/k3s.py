"""k3s in the catalogue: which files a version has, and where its publisher keeps them and their digests."""

from __future__ import annotations

from pathlib import Path

import yaml

from deploy.catalog.entries import FileEntry

RELEASES = Path(__file__).with_name("k3s.yaml")
BINARY = "k3s"
IMAGES = "k3s-airgap-images"


def key(name: str, version: str) -> str:
    """Return a file's key in the lock file: k3s@v1.36.3+k3s1."""
    return f"{name}@{version}"


def files(version: str) -> tuple[FileEntry, ...]:
    """Return the binary and the archive of images of a version, for every architecture."""
    releases = yaml.safe_load(RELEASES.read_text())
    base = releases["release"].format(version=version)
    return tuple(
        FileEntry(
            key(name, version),
            version,
            arch,
            f"{base}/{file}",
            f"{base}/{releases['checksums'].format(arch=arch)}",
        )
        for name, architectures in releases["files"].items()
        for arch, file in architectures.items()
    )
