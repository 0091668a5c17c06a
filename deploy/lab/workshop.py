"""Recipes -> binaries, files and images; each is made once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from deploy.catalog import FileEntry, ImageEntry, load
from deploy.catalog import k3s as releases
from deploy.lab import charts, gomodule, k3s, layers, oci, python, recipes, toolchain
from deploy.lab.archive import Entry, flat, tgz, tree, write_tar
from deploy.lab.errors import LabError
from deploy.lab.k3s import release
from deploy.lab.places import FILES
from deploy.lab.progress import Progress
from deploy.lab.recipes import KUBERNETES, File, Module, Recipes
from deploy.lab.run import run
from deploy.lab.store import kept, key_of, sha256

PAUSE = FILES / "pause/pause.c"
CC = ("gcc", "-static", "-Os", "-s", "-Wall", "-Wextra", "-Werror")
FORMAT = 1
"""Part of every key; raised when archives or images come out differently from the same binaries."""


@dataclass(frozen=True, slots=True)
class MadeFile:
    """A file as upstream would publish it."""

    entry: FileEntry
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class MadeImage:
    """An image: its manifest, and the blobs that it names."""

    entry: ImageEntry
    manifest: oci.Blob
    parts: tuple[oci.Blob, ...]


def recipe_of(entry: ImageEntry, made: Recipes) -> str | None:
    """Return the recipe of an image by its key, or by its name where an inventory chose it itself."""
    name = entry.key.partition("@")[0]
    if name in made.images:
        return name
    return next((key for key, ref in load().images.items() if ref == entry.ref and key in made.images), None)


@dataclass
class Workshop:
    """Makes what it is asked for, and what that is made of."""

    progress: Progress
    recipes: Recipes = field(default_factory=recipes.load)
    _folders: dict[str, Path] = field(default_factory=dict)
    _releases: dict[tuple[str, str], Mapping[str, Path]] = field(default_factory=dict)

    @cached_property
    def go(self) -> str:
        """The compiler."""
        return toolchain.go(self.recipes.go, self.progress)

    def binary(self, what: str, version: str) -> Path:
        """Return MODULE/BINARY; `version` is the Kubernetes version, for what depends on it."""
        module, binary = what.split("/")
        return self.binaries(module, version) / binary

    def binaries(self, name: str, version: str) -> Path:
        """Return the folder of a module's binaries."""
        if name == "pause":
            return self._pause()
        module = self._module(name, version)
        known = f"{name} {module.version}"
        if known not in self._folders:
            self._folders[known] = gomodule.built(name, module, self.go, self.recipes.go, self.progress)
        return self._folders[known]

    def file(self, entry: FileEntry, version: str) -> MadeFile:
        """Return a file of the catalogue, as its publisher lays it out."""
        name = entry.key.partition("@")[0]
        if k3s.is_version(version):
            path = k3s.made(self, entry)
            return MadeFile(entry, path, self._digest(path))
        recipe = self.recipes.files[name]
        alone = recipe.binary
        path = self.binary(alone, version) if alone else self._packed(name, recipe, version)
        return MadeFile(entry, path, self._digest(path))

    def k3s_release(self, version: str, arch: str) -> Mapping[str, Path]:
        """Return the files of k3s' own release by their keys; none where it cannot be fetched. Asked once."""
        asked = version, arch
        if asked not in self._releases:
            entries = [entry for entry in releases.files(version) if entry.arch == arch]
            self._releases[asked] = release.fetched(entries, self.progress.say)
        return self._releases[asked]

    def layer(self, name: str) -> Path:
        """Return a layer of Debian packages."""
        return layers.layer(name, self.recipes.layers[name], self.progress)

    def python_layer(self, name: str) -> Path:
        """Return a layer of Python distributions."""
        recipe = self.recipes.python[name]
        return python.layer(name, recipe, [*map(self.layer, recipe.onto)], self.progress)

    def image(self, entry: ImageEntry, version: str) -> MadeImage:
        """Return an image of the catalogue."""
        name = recipe_of(entry, self.recipes)
        if name is None:
            raise LabError(f"{entry.ref}: the lab has no recipe for it")
        recipe = self.recipes.images[name]
        if recipe.chart:
            return self._chart(entry, recipe.chart)
        added = {path: self.binary(what, version) for path, what in recipe.add.items()}
        own = {path: FILES / file for path, file in recipe.files.items()}
        below = [
            *map(self.layer, recipe.layers),
            *([self.python_layer(recipe.python)] if recipe.python else []),
        ]
        made_of: list[JsonValue] = [path.parent.name for path in [*added.values(), *below]]
        made_of += [sha256(path) for path in own.values()]

        def make(folder: Path) -> None:
            with (folder / "layer.tar").open("wb") as out:
                empty = [Entry(f"{path}/", b"", 0o777) for path in recipe.folders]
                write_tar(out, [*flat({**added, **own}), *empty])
            stack = [oci.blob(path) for path in [*below, folder / "layer.tar"]]
            (folder / "config.json").write_bytes(oci.config(recipe, stack))
            (folder / "manifest.json").write_bytes(oci.manifest(oci.blob(folder / "config.json"), stack))

        key = key_of(FORMAT, recipe.model_dump(mode="json", exclude_defaults=True), made_of)
        folder = kept(f"image-{name}", key, make)
        stack = [oci.Blob(f"sha256:{self._digest(path)}", path) for path in [*below, folder / "layer.tar"]]
        return MadeImage(
            entry, oci.blob(folder / "manifest.json"), (oci.blob(folder / "config.json"), *stack)
        )

    def _chart(self, entry: ImageEntry, where: str) -> MadeImage:
        """Return a chart of the catalogue that lies in a registry."""
        name, _, path = where.partition("/")
        module = self.recipes.modules[name]

        def make(folder: Path) -> None:
            charts.written(folder, gomodule.source(module, self.go) / path, module.version)

        folder = kept(f"chart-{name}", key_of(FORMAT, module.module, module.version, path), make)
        parts = oci.blob(folder / "config.json"), oci.blob(folder / "layer.tgz")
        return MadeImage(entry, oci.blob(folder / "manifest.json"), parts)

    def _module(self, name: str, version: str) -> Module:
        module = self.recipes.modules[name]
        return module.of(version) if name == KUBERNETES else module

    def _packed(self, name: str, recipe: File, version: str) -> Path:
        """Return an archive; a chart follows from its module, an archive of binaries from what built them."""
        modules = [recipe.chart] if recipe.chart else list((recipe.archive or {}).values())
        names = sorted({each.partition("/")[0] for each in modules})
        made_of: list[JsonValue] = (
            [self._module(each, version).version for each in names]
            if recipe.chart
            else [self.binaries(each, version).name for each in names]
        )

        def make(folder: Path) -> None:
            with self.progress.item(f"archive {name}"):
                tgz(folder / f"{name}.tgz", self._entries(recipe, version))

        key = key_of(FORMAT, recipe.model_dump(mode="json"), made_of)
        return kept(f"file-{name}", key, make) / f"{name}.tgz"

    def _entries(self, recipe: File, version: str) -> list[Entry]:
        if recipe.chart:
            name, _, path = recipe.chart.partition("/")
            return tree(gomodule.source(self.recipes.modules[name], self.go) / path, f"{name}/")
        named = dict[str, Path]()
        for path, what in (recipe.archive or {}).items():
            if "/" in what:
                named[path] = self.binary(what, version)
            else:
                folder = self.binaries(what, version)
                named |= {f"{path}{each}": folder / each for each in self.recipes.modules[what].commands}
        return flat(named)

    def _pause(self) -> Path:
        def make(folder: Path) -> None:
            with self.progress.item("pause"):
                run([*CC, "-o", str(folder / "pause"), str(PAUSE)])

        return kept("built-pause", key_of(list(CC), sha256(PAUSE)), make)

    def _digest(self, path: Path) -> str:
        """Return the digest of a file of the store, kept beside it: gigabytes are not read at every start."""
        known = path.parent / f".{path.name}.sha256"
        if not known.exists():
            known.write_text(sha256(path))
        return known.read_text()
