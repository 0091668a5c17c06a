"""What the lab built, kept by what it was built from: a thing is made once, whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from pydantic import JsonValue

from deploy.lab.errors import LabUsageError
from deploy.lab.places import cache

_asked: ContextVar[set[str] | None] = ContextVar("asked", default=None)


class UnmadeError(LabUsageError):
    """Something is not in the cache, and was only to be looked up."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} has not been made yet. Run: slipway lab build")


def key_of(*made_of: JsonValue) -> str:
    """Return a name for content that follows from these values alone."""
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def kept(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the folder of a thing, made where it is missing.

    `make` fills a folder that an interrupted run may have begun to fill: what is whole in it can stay.
    """
    folder = cache() / f"{name}-{key}"
    if (asked := _asked.get()) is not None:
        asked.add(folder.name)
    if not folder.exists():
        if asked is not None:
            raise UnmadeError(folder.name)
        begun = folder.with_name(f"{folder.name}.part")
        begun.mkdir(parents=True, exist_ok=True)
        make(begun)
        begun.rename(folder)
    return folder


@contextmanager
def only_looked_up() -> Iterator[set[str]]:
    """Collect the names of what is asked for inside this block; what is missing is an `UnmadeError`."""
    asked = set[str]()
    token = _asked.set(asked)
    try:
        yield asked
    finally:
        _asked.reset(token)


def sha256(path: Path) -> str:
    """Return the digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(say: Callable[[str], None]) -> Iterator[None]:
    """Hold the cache for one builder; a second one waits, having said so, and finds what the first built."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another run that builds into {cache()}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
