"""A secret by reference: an inventory says where it is found, never what it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from deploy.errors import InventoryError
from deploy.model.forms import ENVIRONMENT, Switch
from deploy.model.mistake import Mistake, Place, written
from deploy.model.section import Section, setting
from deploy.model.values import Change

WANTED = "exactly one of file: PATH, env: NAME or generate: true"


class SecretRef(Section):
    """Where a secret is: in a file or a variable of the controller, or made once and kept in the cluster."""

    file: Annotated[str, Field(min_length=1)] | None = setting(
        Change.LIVE, "A file on the controller, absolute or from the inventory's directory.", default=None
    )
    env: Annotated[str, Field(pattern=ENVIRONMENT)] | None = setting(
        Change.LIVE, "An environment variable of the controller.", default=None
    )
    generate: Switch = setting(
        Change.LIVE, "Whether it is made once, at random, and kept in the cluster.", default=False
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if [self.file is not None, self.env is not None, self.generate].count(True) != 1:
            raise PydanticCustomError("form", "{wanted}", {"wanted": WANTED})
        return self


def absence(ref: SecretRef, home: Path) -> str | None:
    """Say why a reference leads nowhere; `home` is the inventory's directory."""
    if ref.env is not None:
        return None if os.environ.get(ref.env) else f"the variable {ref.env} is not set, or empty"
    if ref.file is None:
        return None
    path = _path(ref.file, home)
    try:
        return None if path.read_text().strip() else f"{path} is empty"
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        return f"{path} is not text"


def value(ref: SecretRef, home: Path) -> str:
    """Return what a file or a variable holds; a file's last line break is not part of it."""
    if (why := absence(ref, home)) is not None:
        raise InventoryError(f"a secret is missing: {why}")
    if ref.env is not None:
        return os.environ[ref.env]
    if ref.file is None:
        raise ValueError("a generated secret is known to the cluster only")
    return _path(ref.file, home).read_text().removesuffix("\n").removesuffix("\r")


def _path(file: str, home: Path) -> Path:
    return home / Path(file).expanduser()


def references(section: Section, place: Place = ()) -> Iterator[tuple[Place, SecretRef]]:
    """Yield every reference below a section, with its place."""
    for key in type(section).model_fields:
        found = getattr(section, key)
        if isinstance(found, SecretRef):
            yield (*place, key), found
        elif isinstance(found, Section):
            yield from references(found, (*place, key))
        elif isinstance(found, tuple):
            for index, item in enumerate(found):
                if isinstance(item, Section):
                    yield from references(item, (*place, key, index))


def from_environment(cluster: Section) -> list[str]:
    """Return the references that lead to variables, as an inventory has them: who runs alone has none."""
    return [f"{written(place)}: {{env: {ref.env}}}" for place, ref in references(cluster) if ref.env]


def missing_secrets(cluster: Section, home: Path) -> list[Mistake]:
    """Return the references that lead nowhere; this looks at the controller's disk and environment."""
    return [
        Mistake(place, f"{why}; put the secret there, or refer to another place")
        for place, ref in references(cluster)
        if (why := absence(ref, home)) is not None
    ]
