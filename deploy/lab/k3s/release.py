"""k3s' own release: where its publisher can be reached, the lab runs that in place of the stand-in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from deploy.catalog import FileEntry, LockedFile, Needed, mirror
from deploy.catalog.learn import learn
from deploy.catalog.publisher import UnlearnedError
from deploy.errors import RunError
from deploy.lab.progress import silent
from deploy.lab.store import kept, key_of


def fetched(entries: Sequence[FileEntry], say: Callable[[str], None]) -> Mapping[str, Path]:
    """Return a version's files by their keys, fetched once, with the digests that their publisher states.

    All or none: the images belong to the executable of the same release.
    """
    try:
        folder = kept("k3s-release", key_of([entry.url for entry in entries]), partial(_fetch, entries))
    except (UnlearnedError, RunError) as error:
        say(f"A k3s stand-in takes the place of k3s, which cannot be fetched: {error}")
        return {}
    return {
        entry.key: mirror.place(folder, LockedFile(entry.key, entry.version, entry.url, ""))
        for entry in entries
    }


def _fetch(entries: Sequence[FileEntry], folder: Path) -> None:
    learnt = learn(Needed(tuple(entries), ()), silent)
    if learnt.unlearned:
        raise UnlearnedError(learnt.unlearned[0])
    for _, _, file in learnt.files:
        mirror.fetch(folder, file)
