"""The cache without what no lab of this checkout would ask for again."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from deploy import catalog
from deploy.catalog import ImageEntry
from deploy.lab import asked, k3s, modelkit, recipes, supply
from deploy.lab.layout import LABEL
from deploy.lab.places import INVENTORIES, cache
from deploy.lab.progress import Progress
from deploy.lab.run import podman
from deploy.lab.store import UnmadeError, locked, only_looked_up
from deploy.lab.workshop import Workshop

MADE = re.compile(r"(?P<name>.+-[0-9a-f]{16})(\.part)?")


@dataclass(frozen=True, slots=True)
class Labs:
    """What the containers of all labs on this machine, running or not, see of it."""

    exist: bool
    seen: frozenset[Path]


@dataclass(frozen=True, slots=True)
class Pruning:
    """Folders to delete with their sizes, a linked file counted once, and how many bytes that frees."""

    sizes: Mapping[Path, int]
    freed: int


def pruned(progress: Progress, delete: bool) -> Pruning:
    """Return what nothing asks for, with `delete` gone; no other run builds meanwhile."""
    with locked(progress.say):
        found = found_by(going(cache(), wanted(progress), labs()))
        for folder in found.sizes if delete else ():
            shutil.rmtree(folder)
    return found


def lines(found: Pruning, deleted: bool) -> Iterator[str]:
    """Yield what an operator is told."""
    if not found.sizes:
        yield f"Nothing in {cache()} is out of use."
        return
    for folder, size in found.sizes.items():
        yield f"{decimal(size):>10}  {folder.name}"
    count = "1 folder that nothing" if len(found.sizes) == 1 else f"{len(found.sizes)} folders that nothing"
    yield f"\n{count} in this checkout asks for, in {cache()}."
    served = "" if found.freed == sum(found.sizes.values()) else "; the rest is linked to by what stays"
    yield f"{'Freed' if deleted else 'To be freed'}: {decimal(found.freed)}{served}."
    if not deleted:
        yield "Nothing is deleted yet. To delete them: slipway lab prune --yes"


def going(root: Path, wanted: Iterable[str], labs: Labs) -> list[Path]:
    """Return the folders of the cache that nothing asks for; what is not known for one's own stays.

    What is begun stays as long as what it becomes is wanted. The mirror's and the registry's folders are
    links to what was made, laid out again by the next `lab up`: they go when there is no lab.
    """
    keys = set(wanted)
    made = ((path, MADE.fullmatch(path.name)) for path in sorted(root.iterdir()) if path.is_dir())
    old = [path for path, name in made if name and name["name"] not in keys and path not in labs.seen]
    laid_out = [path for path in (supply.mirror_root(), supply.registry_root()) if path.is_dir()]
    return old if labs.exist else [*old, *laid_out]


def found_by(folders: Iterable[Path]) -> Pruning:
    """Return what deleting these folders comes to."""
    links, sizes = Counter[int](), dict[Path, int]()
    freed = 0
    for folder in folders:
        sizes[folder] = 0
        for path in folder.rglob("*"):
            status = path.lstat()
            if path.is_dir() and not path.is_symlink():
                continue
            sizes[folder] += status.st_size if status.st_ino not in links else 0
            links[status.st_ino] += 1
            freed += status.st_size if links[status.st_ino] == status.st_nlink else 0
    return Pruning(sizes, freed)


def wanted(progress: Progress) -> frozenset[str]:
    """Return the names of all that today's sources make, whatever a lab is asked to serve."""
    workshop = Workshop(progress)
    with only_looked_up() as names:
        _ = workshop.go  # nothing else can be told without it
        for ask in _asking(workshop, progress):
            with suppress(UnmadeError):
                ask()
    return frozenset(names)


def versions() -> tuple[str, ...]:
    """Return the versions that a lab can serve: Kubernetes', and those of k3s that inventories name."""
    releases = catalog.load().kubernetes.releases
    named = asked.versions(sorted(INVENTORIES.glob("*.yaml")))
    return tuple(dict.fromkeys([*releases, *(each for each in named if k3s.plain(each) in releases)]))


def _asking(workshop: Workshop, progress: Progress) -> Iterator[Callable[[], object]]:
    """Yield what asks for one thing each, since any may be missing; parts are asked for by themselves too."""
    known, made, served = catalog.load(), workshop.recipes, versions()
    for name in made.modules:
        yield from (partial(workshop.binaries, name, k3s.plain(version)) for version in served)
    yield from (partial(workshop.layer, name) for name in made.layers)
    yield from (partial(workshop.python_layer, name) for name in made.python)
    askable = {**known.images, **recipes.own_images(on_request=True)}
    files, images = supply.wanted(served, [ImageEntry(name, ref) for name, ref in askable.items()])
    yield from (partial(workshop.image, entry, version) for entry, version in images)
    for file, version in files:
        yield partial(workshop.file, file, version)
        if k3s.is_version(version):
            yield partial(k3s.stand_in, workshop, file)
    yield partial(modelkit.made, progress)


def labs() -> Labs:
    """Return what podman says of every lab's containers."""
    ids = podman("ps", "--all", "--quiet", f"--filter=label={LABEL}").split()
    return Labs(bool(ids), seen(json.loads(podman("container", "inspect", *ids)) if ids else []))


def seen(inspected: Iterable[Mapping[str, Any]]) -> frozenset[Path]:
    """Return the folders of the machine that containers have mounted, from `podman container inspect`."""
    return frozenset(Path(mount["Source"]) for each in inspected for mount in each["Mounts"])
