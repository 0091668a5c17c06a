"""A directory that holds locked files under their upstream paths, and a server for it."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from typing_extensions import override

from deploy.catalog.entries import pull_url
from deploy.catalog.lock import Lock, LockedFile
from deploy.errors import RunError

CHUNK = 1 << 20
SECONDS = 60


def locked_files(lock: Lock) -> Iterator[LockedFile]:
    """Yield every file that a lock pins, for every architecture, charts among them."""
    for key, entry in sorted(lock.document.files.items()):
        for pin in entry.pins.values():
            yield LockedFile(key, entry.version, pin.url, pin.sha256)


def place(directory: Path, file: LockedFile) -> Path:
    """Return where the mirror keeps a file: DIRECTORY/<upstream host>/<path>."""
    return directory / pull_url(file.url, "http://mirror").removeprefix("http://mirror/")


def fetch(directory: Path, file: LockedFile) -> bool:
    """Have a file in the mirror, never with another digest; say whether it had to be fetched."""
    target = place(directory, file)
    if target.exists() and _sha256(target) == file.sha256:
        return False
    part = target.with_name(target.name + ".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        _download(file.url, part)
        found = _sha256(part)
        if found != file.sha256:
            raise RunError(f"{file.url}: wanted sha256 {file.sha256}, found {found}; it was not kept")
        os.replace(part, target)  # noqa: PTH105 - the atomic one
    finally:
        part.unlink(missing_ok=True)
    return True


def _download(url: str, part: Path) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "slipway"})  # noqa: S310 - the lock file's URL
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer, part.open("wb") as out:  # noqa: S310 - the same
            while chunk := answer.read(CHUNK):
                out.write(chunk)
    except urllib.error.HTTPError as error:
        raise RunError(f"{url} answered {error.code} {error.reason}") from None
    except OSError as error:
        raise RunError(f"{url} could not be fetched: {getattr(error, 'reason', error)}") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


class _Handler(SimpleHTTPRequestHandler):
    """Serves files and says each request in one line."""

    said: Callable[[str], None]

    def __init__(self, *args: Any, said: Callable[[str], None], **kwargs: Any) -> None:
        self.said = said
        super().__init__(*args, **kwargs)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        self.said(f"{self.client_address[0]} {format % args}")


def server(directory: Path, address: str, port: int, said: Callable[[str], None]) -> ThreadingHTTPServer:
    """Return a server for a mirror directory, bound and not yet serving."""
    if not directory.is_dir():
        raise RunError(
            f"{directory} is not a directory; fill one with: slipway artifacts fetch INVENTORY DIR"
        )
    handler = partial(_Handler, directory=str(directory), said=said)
    try:
        return ThreadingHTTPServer((address, port), handler)
    except OSError as error:
        raise RunError(f"cannot listen on {address}:{port}: {error.strerror}") from None
