"""recipes.yaml, typed: what is built from which Go modules, and what becomes of it."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

RECIPES = Path(__file__).with_name("recipes.yaml")
KUBERNETES = "kubernetes"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Module(_Section):
    """A Go module and the commands built from it; `requires` are further modules, path -> version.

    `replaces` are path -> version, or -> another path and its version. `stubs` are path -> folder below
    files/lab/stubs, in the module's place; one without a go.mod is in the place of the packages that it has.
    With `folder`, below files/lab, it is a module of slipway's own, and go.mod and go.sum lie there.
    """

    module: str
    version: str
    commands: dict[str, str]
    folder: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    requires: dict[str, str] = Field(default_factory=dict)
    replaces: dict[str, str] = Field(default_factory=dict)
    stubs: dict[str, str] = Field(default_factory=dict)
    tags: tuple[str, ...] = ()
    static: bool = False
    staging: bool = False

    def of(self, version: str) -> Module:
        """Return the recipe for a Kubernetes version: `{version}` and `{minor}` filled in."""
        minor = version.split(".")[1]
        filled = {name: value.format(version=version, minor=minor) for name, value in self.variables.items()}
        return self.model_copy(update={"version": self.version.format(version=version), "variables": filled})


class Python(_Section):
    """Python distributions as an image layer, where Debian's python of that version looks for them.

    `pins`, below files/lab, names every one with its version; `onto` are the Debian layers below it.
    `aliases` are further names, with a version, that distributions are asked for. `dropped` are patterns of
    paths that nothing reads at run time, `stripped` of libraries that go without their symbols. `stubbed` are
    shared libraries that are linked to and never called, but for the functions that are `answering`.
    `imports` is tried before a layer is kept.
    """

    version: str
    pins: str
    onto: tuple[str, ...]
    imports: str
    aliases: dict[str, str] = Field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()
    stubbed: tuple[str, ...] = ()
    answering: tuple[str, ...] = ()


class Image(_Section):
    """An image: Debian layers, a `python` one, `add` (path -> MODULE/BINARY), `files` and empty `folders`.

    `chart`, a folder of a module's source, makes it a chart instead, as Helm keeps one in a registry.
    `files` are path -> file below files/lab; all that is put in is executable.
    `ref` is the name of one that only the lab has; all others are in the catalogue. One that is `on_request`
    no lab serves until somebody asks for it.
    """

    add: dict[str, str] = Field(default_factory=dict)
    chart: str | None = None
    ref: str | None = None
    on_request: bool = False
    layers: tuple[str, ...] = ()
    python: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    folders: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    user: str | None = None
    workdir: str | None = None


class File(_Section):
    """A file as upstream publishes it: one binary, an archive of binaries, or a chart out of a module."""

    binary: str | None = Field(default=None, alias="from")
    archive: dict[str, str] | None = None
    chart: str | None = None

    @model_validator(mode="after")
    def _is_one_kind(self) -> File:
        if sum(kind is not None for kind in (self.binary, self.archive, self.chart)) != 1:
            raise ValueError("a file is one of: from, archive, chart")
        return self


class Recipes(_Section):
    """The whole of recipes.yaml."""

    go: str
    modules: dict[str, Module]
    layers: dict[str, tuple[str, ...]]
    python: dict[str, Python]
    images: dict[str, Image]
    files: dict[str, File]


@lru_cache(maxsize=1)
def load() -> Recipes:
    """Return the recipes that slipway is shipped with."""
    return Recipes.model_validate(yaml.safe_load(RECIPES.read_text()))


def own_images(*, on_request: bool = False) -> dict[str, str]:
    """Return the references of the images that only the lab has: every lab, or one that is asked for them."""
    made = load().images.items()
    return {name: image.ref for name, image in made if image.ref and image.on_request is on_request}
