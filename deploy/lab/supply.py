"""What a lab's hosts pull: the mirror's and the registry's folders, and the lock file that pins both."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy import catalog
from deploy.catalog import FileEntry, ImageEntry, LockedFile, LockedImage
from deploy.catalog import k3s as releases
from deploy.lab import k3s, modelkit, oci, recipes
from deploy.lab.places import cache
from deploy.lab.progress import Progress
from deploy.lab.store import locked
from deploy.lab.workshop import MadeFile, MadeImage, Workshop, recipe_of

ARCH = "amd64"
PLAIN = ("flannel", "flannel-cni-plugin", "metallb-controller", "metallb-speaker")
"""The catalogue's images that every lab serves; the others are made when an inventory asks for them."""
MODELKITS = "kitops-init"
RUNTIME_FILES = ("containerd", "runc", "cni-plugins", "helm")
CHARTS = ("flannel-chart", "metallb-chart")


def mirror_root() -> Path:
    """Return the folder that the mirror serves: <upstream host>/<path>."""
    return cache() / "mirror"


def registry_root() -> Path:
    """Return the folder that the registry keeps its images in."""
    return cache() / "registry"


@dataclass(frozen=True, slots=True)
class Supply:
    """Everything that was made, and the registry program that serves the images."""

    files: tuple[MadeFile, ...]
    images: tuple[MadeImage, ...]
    registry: Path

    def write_lock(self, path: Path) -> None:
        """Write the lock file: upstream's URLs and references, with the digests of what was built here."""
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog.lock.save(path, map(_locked_file, self.files), map(_locked_image, self.images))


def wanted(
    versions: Sequence[str], asked: Iterable[ImageEntry] = ()
) -> tuple[list[tuple[FileEntry, str]], list[tuple[ImageEntry, str]]]:
    """Return the catalogue's files and images for these Kubernetes versions, each with its version.

    `asked` are images that inventories need; those that the lab has no recipe for are left out.
    """
    known, first = catalog.load(), k3s.plain(versions[0])
    files = [(each, version) for version in versions for each in _kubernetes_files(version)]
    files += [(each, first) for name in RUNTIME_FILES for each in known.file(name)]
    files += [(known.chart(name), first) for name in CHARTS]
    images = [(each, k3s.plain(version)) for version in versions for each in _kubernetes_images(version)]
    images += [(known.image(name), first) for name in PLAIN]
    images += [(ImageEntry(name, ref), first) for name, ref in recipes.own_images().items()]
    have = {each.key for each, _ in images}
    images += [(each, first) for each in asked if each.key not in have and recipe_of(each, recipes.load())]
    return [
        (each, version) for each, version in files if each.arch in {ARCH, catalog.entries.ANY_ARCH}
    ], images


def _kubernetes_files(version: str) -> tuple[FileEntry, ...]:
    files = releases.files if k3s.is_version(version) else catalog.load().kubernetes_files
    return files(version)


def _kubernetes_images(version: str) -> list[ImageEntry]:
    """Return the images of a version; k3s brings its own, and a verify runs agnhost beside them."""
    images = catalog.load().kubernetes_images(version)
    return [each for each in images if not k3s.is_version(version) or each.key.startswith("agnhost@")]


def made(versions: Sequence[str], progress: Progress, asked: Sequence[ImageEntry] = ()) -> Supply:
    """Make what these Kubernetes versions need, and the images `asked`, and lay it out to be served."""
    files, images = wanted(versions, asked)
    for text in unmade(asked):
        progress.say(text)
    with locked(progress.say):
        workshop = Workshop(progress)
        supply = Supply(
            tuple(workshop.file(entry, version) for entry, version in files),
            tuple(workshop.image(entry, version) for entry, version in images),
            workshop.binary("registry/registry", k3s.plain(versions[0])),
        )
        lay_out(supply.files, mirror_root())
        for image in supply.images:
            root = registry_root() / "docker/registry/v2"
            oci.published(root, image.entry.ref, image.manifest, image.parts)
        if any(each.key == MODELKITS for each in asked):
            modelkit.published(registry_root() / "docker/registry/v2", progress)
    return supply


def unmade(asked: Iterable[ImageEntry]) -> list[str]:
    """Return what to tell an operator about images that inventories need and that the lab cannot make."""
    return [
        f"  {each.ref}: the lab has no recipe for it, so its hosts cannot pull it"
        for each in asked
        if recipe_of(each, recipes.load()) is None
    ]


def lay_out(files: Iterable[MadeFile], root: Path) -> None:
    """Put each file where its upstream URL leads to below `root`; a host sees the old or the new."""
    for each in files:
        split = urlsplit(each.entry.url)
        target = root / split.netloc / split.path.lstrip("/")
        if target.exists() and target.samefile(each.path):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.unlink(missing_ok=True)
        os.link(each.path, part)
        part.replace(target)


def _locked_file(made_file: MadeFile) -> tuple[str, str, LockedFile]:
    entry = made_file.entry
    return entry.key, entry.arch, LockedFile(entry.key, entry.version, entry.url, made_file.sha256)


def _locked_image(made_image: MadeImage) -> tuple[str, LockedImage]:
    return made_image.entry.key, LockedImage(made_image.entry.ref, made_image.manifest.digest)
