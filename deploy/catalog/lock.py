"""The lock file beside an inventory: what may be installed, each file and image with its digest."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from deploy.catalog.entries import ANY_ARCH
from deploy.errors import InventoryError

HEADER = "# Written by `slipway artifacts lock`: what may be installed. Commit it beside the inventory.\n"
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class LockError(InventoryError):
    """The lock file is missing, broken, or does not pin what the inventory needs."""


@dataclass(frozen=True, slots=True)
class LockedFile:
    """A file that may be installed: `url` is upstream's, whatever mirror serves it."""

    name: str
    version: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LockedImage:
    """An image that may run: its reference with a tag, and the digest that the tag had when it was locked."""

    ref: str
    digest: str

    @property
    def pinned(self) -> str:
        """Return registry/name:tag@sha256:..., which a runtime pulls by the digest alone."""
        return f"{self.ref}@{self.digest}"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Pin(_Section):
    url: str
    sha256: _Sha256


class _File(_Section):
    version: str
    pins: dict[str, _Pin] = Field(min_length=1)


class _Image(_Section):
    ref: str
    digest: _Digest


class _Document(_Section):
    files: dict[str, _File] = Field(default_factory=dict)
    images: dict[str, _Image] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file: asked by the catalogue's keys (`kubelet@v1.36.3`, `containerd`, `etcd@v1.36.3`)."""

    path: Path
    document: _Document

    def file(self, name: str, arch: str, wanted: str | None = None) -> LockedFile:
        """Return the pinned file for an architecture (amd64, arm64), of a wanted version if one is given.

        A chart is the same for all architectures.
        """
        entry = self.document.files.get(name)
        pin = None if entry is None else entry.pins.get(arch) or entry.pins.get(ANY_ARCH)
        if entry is None or pin is None:
            raise self._unpinned(f"no digest of {name} for {arch}")
        if wanted not in (None, entry.version):
            raise self._unpinned(f"{name} is {entry.version}, wanted {wanted}")
        return LockedFile(name, entry.version, pin.url, pin.sha256)

    def image(self, name: str, wanted: str | None = None) -> LockedImage:
        """Return the pinned image; one that an inventory names, as REF or REF@DIGEST, must be that one."""
        entry = self.document.images.get(name)
        if entry is None:
            raise self._unpinned(f"no digest of the image {name}")
        ref, _, digest = (wanted or entry.ref).partition("@")
        if entry.ref != ref or digest not in ("", entry.digest):
            raise self._unpinned(f"{name} is {entry.ref}@{entry.digest}, wanted {wanted}")
        return LockedImage(entry.ref, entry.digest)

    def _unpinned(self, what: str) -> LockError:
        return LockError(f"{self.path}: {what}; nothing is installed unverified. {_again(self.path)}")


def path_of(inventory: Path) -> Path:
    """Return where an inventory's lock file lies: lab.yaml -> lab.lock.yaml."""
    return inventory.with_suffix(".lock.yaml")


def inventory_of(path: Path) -> Path:
    """Return the inventory that a lock file belongs to."""
    return path.with_name(path.name.removesuffix(".lock.yaml") + ".yaml")


def load(path: Path | str) -> Lock:
    """Read a lock file; all that is wrong with it is said at once."""
    path = Path(path)
    try:
        return _parsed(path, path.read_text())
    except FileNotFoundError:
        raise LockError(
            f"{path} does not exist, so nothing is known to be safe to install. {_again(path)}"
        ) from None


def _again(path: Path) -> str:
    return f"Run: slipway artifacts lock {inventory_of(path)}"


@lru_cache(maxsize=8)
def _parsed(path: Path, text: str) -> Lock:
    try:
        document = _Document.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        raise LockError(f"{path} is not YAML: {' '.join(str(error).split())}. {_again(path)}") from None
    except ValidationError as error:
        wrong = "\n".join(
            f"  {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_url=False)
        )
        raise LockError(f"{path} is not a lock file:\n{wrong}\n{_again(path)}") from None
    return Lock(path, document)


def save(
    path: Path,
    files: Iterable[tuple[str, str, LockedFile]],
    images: Iterable[tuple[str, LockedImage]],
) -> None:
    """Write a lock file whole or not at all, sorted, so that equal content is equal text.

    `files` are (key, architecture or "any", file), `images` are (key, image).
    """
    document: dict[str, dict[str, dict[str, object]]] = {"files": {}, "images": {}}
    for key, arch, file in files:
        entry = document["files"].setdefault(key, {"version": file.version, "pins": {}})
        pins = entry["pins"]
        assert isinstance(pins, dict)  # noqa: S101 - set two lines up; tells the type checker
        pins[arch] = {"url": file.url, "sha256": file.sha256}
    for key, image in images:
        document["images"][key] = {"ref": image.ref, "digest": image.digest}
    _Document.model_validate(document)
    part = path.with_name(path.name + ".part")
    part.write_text(HEADER + yaml.safe_dump(document, sort_keys=True, width=1000))
    os.replace(part, path)  # noqa: PTH105 - the atomic one
