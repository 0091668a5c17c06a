"""Recipes -> binaries, files and images; each is made once, when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from deploy.catalog import FileEntry, ImageEntry
from deploy.lab import gomodule, layers, oci, recipes, toolchain
from deploy.lab.archive import Entry, flat, tgz, tree, write_tar
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


@dataclass
class Workshop:
    """Makes what it is asked for, and what that is made of."""

    progress: Progress
    recipes: Recipes = field(default_factory=recipes.load)
    _folders: dict[str, Path] = field(default_factory=dict)

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
        recipe = self.recipes.files[name]
        alone = recipe.binary
        path = self.binary(alone, version) if alone else self._packed(name, recipe, version)
        return MadeFile(entry, path, self._digest(path))

    def image(self, entry: ImageEntry, version: str) -> MadeImage:
        """Return an image of the catalogue."""
        name = entry.key.partition("@")[0]
        recipe = self.recipes.images[name]
        added = {path: self.binary(what, version) for path, what in recipe.add.items()}
        below = [layers.layer(layer, self.recipes.layers[layer], self.progress) for layer in recipe.layers]
        made_of: list[JsonValue] = [path.parent.name for path in [*added.values(), *below]]

        def make(folder: Path) -> None:
            with (folder / "layer.tar").open("wb") as out:
                write_tar(out, [*flat(added), *(Entry(f"{path}/", b"", 0o777) for path in recipe.folders)])
            stack = [oci.blob(path) for path in [*below, folder / "layer.tar"]]
            (folder / "config.json").write_bytes(oci.config(recipe, stack))
            (folder / "manifest.json").write_bytes(oci.manifest(oci.blob(folder / "config.json"), stack))

        folder = kept(f"image-{name}", key_of(FORMAT, recipe.model_dump(mode="json"), made_of), make)
        stack = [oci.Blob(f"sha256:{self._digest(path)}", path) for path in [*below, folder / "layer.tar"]]
        return MadeImage(
            entry, oci.blob(folder / "manifest.json"), (oci.blob(folder / "config.json"), *stack)
        )

    def _module(self, name: str, version: str) -> Module:
        module = self.recipes.modules[name]
        return module.of(version) if name == KUBERNETES else module

    def _packed(self, name: str, recipe: File, version: str) -> Path:
        entries, made_of = (
            self._chart(recipe.chart) if recipe.chart else self._archive(recipe.archive or {}, version)
        )

        def make(folder: Path) -> None:
            with self.progress.item(f"archive {name}"):
                tgz(folder / f"{name}.tgz", entries)

        key = key_of(FORMAT, recipe.model_dump(mode="json"), made_of)
        return kept(f"file-{name}", key, make) / f"{name}.tgz"

    def _archive(self, members: Mapping[str, str], version: str) -> tuple[list[Entry], str]:
        """Return the entries of an archive of binaries; a module's name alone stands for all of its."""
        entries, made_of = list[Entry](), list[str]()
        for path, what in members.items():
            folder = self.binaries(what.partition("/")[0], version)
            made_of.append(folder.name)
            entries += flat({path: self.binary(what, version)}) if "/" in what else tree(folder, path)
        return entries, key_of(*made_of)

    def _chart(self, where: str) -> tuple[list[Entry], str]:
        """Return the entries of a chart; it lies in its module's source, and its top folder has its name."""
        name, _, path = where.partition("/")
        module = self.recipes.modules[name]
        folder = gomodule.source(module, self.go) / path
        return tree(folder, f"{name}/"), key_of(module.module, module.version)

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
