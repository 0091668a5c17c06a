"""catalog.yaml, typed; an entry is one thing that can be fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict

from deploy.errors import InventoryError

CATALOG = Path(__file__).with_name("catalog.yaml")
ANY_ARCH = "any"


class UnsupportedVersionError(InventoryError):
    """A Kubernetes version that the catalogue does not know how to install."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Source(_Section):
    url: str
    checksum: str


class _File(_Source):
    version: str


class _Chart(_Section):
    name: str
    version: str
    url: str
    index: str


class _Kubernetes(_Section):
    default: str
    minors: tuple[str, ...]
    containerd_at_least: dict[str, str]
    files: dict[str, _Source]
    images: dict[str, str]
    releases: dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of one architecture (`any` for charts): its lock key, where it is, who states its digest.

    `chart` is the name under which a Helm repository's index lists it; then `checksum` is that index.
    """

    key: str
    version: str
    arch: str
    url: str
    checksum: str
    chart: str | None = None


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """An image: its lock key, its reference with a tag, and its digest where an inventory names it."""

    key: str
    ref: str
    digest: str | None = None


def parts(version: str) -> tuple[int, int, int]:
    """Return the numbers of v1.36.3 or v1.36.3+k3s1."""
    major, minor, patch = version.removeprefix("v").partition("+")[0].partition("-")[0].split(".")
    return int(major), int(minor), int(patch)


def minor_of(version: str) -> str:
    """Return 1.36 of v1.36.3."""
    return "{}.{}".format(*parts(version))


def _expanded(template: str, version: str, arch: str) -> str:
    return template.format(version=version, bare=version.removeprefix("v"), arch=arch)


class Catalog(_Section):
    """The whole of catalog.yaml."""

    architectures: tuple[str, ...]
    kubernetes: _Kubernetes
    files: dict[str, _File]
    charts: dict[str, _Chart]
    images: dict[str, str]
    registries: tuple[str, ...]

    def version(self, name: str) -> str:
        """Return the version of a file or chart that does not depend on the Kubernetes version."""
        return self.files[name].version if name in self.files else self.charts[name].version

    def supports(self, version: str) -> bool:
        """Say whether this Kubernetes version can be installed."""
        return minor_of(version) in self.kubernetes.minors and self._release(version) is not None

    def kubernetes_files(self, version: str) -> tuple[FileEntry, ...]:
        """Return kubeadm, kubelet and kubectl of a version, per architecture; keys are kubelet@v1.36.3."""
        return tuple(
            FileEntry(
                f"{name}@{version}",
                version,
                arch,
                _expanded(source.url, version, arch),
                _expanded(source.checksum, version, arch),
            )
            for name, source in self.kubernetes.files.items()
            for arch in self.architectures
        )

    def kubernetes_images(self, version: str) -> tuple[ImageEntry, ...]:
        """Return the images that belong to a Kubernetes version; keys are etcd@v1.36.3."""
        release = self._release(version)
        if release is None:
            raise UnsupportedVersionError(self.unsupported(version))
        own = {name: _expanded(ref, version, ANY_ARCH) for name, ref in self.kubernetes.images.items()}
        return tuple(ImageEntry(f"{name}@{version}", ref) for name, ref in {**own, **release}.items())

    def file(self, name: str) -> tuple[FileEntry, ...]:
        """Return a file that does not depend on the Kubernetes version, for every architecture."""
        entry = self.files[name]
        return tuple(
            FileEntry(
                name,
                entry.version,
                arch,
                _expanded(entry.url, entry.version, arch),
                _expanded(entry.checksum, entry.version, arch),
            )
            for arch in self.architectures
        )

    def chart(self, name: str) -> FileEntry:
        """Return a chart; its publisher's digest is in the index of a Helm repository."""
        entry = self.charts[name]
        url = _expanded(entry.url, entry.version, ANY_ARCH)
        return FileEntry(name, entry.version, ANY_ARCH, url, entry.index, entry.name)

    def image(self, name: str) -> ImageEntry:
        """Return an image that does not depend on the Kubernetes version."""
        return ImageEntry(name, self.images[name])

    def unsupported(self, version: str) -> str:
        """Return what to tell an operator who asks for a version that cannot be installed."""
        known = ", ".join(sorted(self.kubernetes.releases, key=parts))
        return (
            f"kubernetes.version is {version}; the catalogue can install the minors of {known} "
            "and their later patch releases"
        )

    def _release(self, version: str) -> Mapping[str, str] | None:
        """Return the release's images: of the newest named patch up to it, else of the minor's oldest."""
        same = sorted(
            (known for known in self.kubernetes.releases if minor_of(known) == minor_of(version)), key=parts
        )
        before = [known for known in same if parts(known) <= parts(version)]
        chosen = before[-1] if before else (same[0] if same else None)
        return None if chosen is None else self.kubernetes.releases[chosen]


@lru_cache(maxsize=1)
def load() -> Catalog:
    """Return the catalogue that slipway is shipped with."""
    return Catalog.model_validate(yaml.safe_load(CATALOG.read_text()))


def pull_url(url: str, mirror: str | None) -> str:
    """Return where a host pulls a file from: its upstream URL, or MIRROR/<upstream host>/<path>."""
    if mirror is None:
        return url
    split = urlsplit(url)
    return f"{mirror.rstrip('/')}/{split.netloc}{split.path}"
