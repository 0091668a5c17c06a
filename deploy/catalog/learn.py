"""Digests learnt from publishers, for everything a cluster needs; what stayed unknown is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache

from deploy.catalog import publisher
from deploy.catalog.entries import FileEntry, ImageEntry
from deploy.catalog.lock import Lock, LockedFile, LockedImage
from deploy.catalog.needs import Needed
from deploy.catalog.publisher import UnlearnedError

AT_ONCE = 8


@dataclass(slots=True)
class Learnt:
    """What publishers said; `unlearned` names the rest with its reason, `named` is what nobody was asked."""

    files: list[tuple[str, str, LockedFile]] = field(default_factory=list)
    images: list[tuple[str, LockedImage]] = field(default_factory=list)
    unlearned: list[str] = field(default_factory=list)
    named: set[str] = field(default_factory=set)

    def changed(self, known: Lock) -> list[str]:
        """Name what an earlier lock pins to other bytes under the same version: a publisher replaced it."""
        return [*self._changed_files(known), *self._changed_images(known)]

    def _changed_files(self, known: Lock) -> Iterator[str]:
        for key, arch, file in self.files:
            entry = known.document.files.get(key)
            pin = entry.pins.get(arch) if entry and entry.version == file.version else None
            if pin and pin.sha256 != file.sha256:
                yield (
                    f"{key} {file.version} {arch}: locked as {pin.sha256}, "
                    f"its publisher now states {file.sha256}"
                )

    def _changed_images(self, known: Lock) -> Iterator[str]:
        for key, image in self.images:
            pin = known.document.images.get(key)
            if key not in self.named and pin and pin.ref == image.ref and pin.digest != image.digest:
                yield f"{image.ref}: locked as {pin.digest}, its registry now has {image.digest}"


def learn(needed: Needed, said: Callable[[str], None]) -> Learnt:
    """Ask every publisher, several at once; `said` is told the name of each thing that was asked about."""
    learnt = Learnt(named={entry.key for entry in needed.images if entry.digest})
    text = lru_cache(maxsize=None)(lambda url: publisher.get(url).decode(errors="replace"))

    def file(entry: FileEntry) -> str:
        return _file(entry, text)

    def image(entry: ImageEntry) -> str:
        return entry.digest or publisher.image_digest(entry.ref)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        files = [(entry, pool.submit(file, entry)) for entry in needed.files]
        images = [(entry, pool.submit(image, entry)) for entry in needed.images]
        for each, future in files:
            said(f"{each.key} {each.arch}")
            try:
                found = LockedFile(each.key, each.version, each.url, future.result())
                learnt.files.append((each.key, each.arch, found))
            except UnlearnedError as error:
                learnt.unlearned.append(f"{each.key} {each.arch}: {error}")
        for every, digest in images:
            said(every.ref)
            try:
                learnt.images.append((every.key, LockedImage(every.ref, digest.result())))
            except UnlearnedError as error:
                learnt.unlearned.append(f"{every.ref}: {error}")
    return learnt


def _file(entry: FileEntry, text: Callable[[str], str]) -> str:
    stated = text(entry.checksum)
    if entry.chart:
        digest = publisher.indexed(stated, entry.chart, entry.version)
    else:
        digest = publisher.stated(stated, entry.url.rpartition("/")[2])
    if digest is None:
        raise UnlearnedError(f"{entry.checksum} states no sha256 of {entry.url.rpartition('/')[2]}")
    return digest
