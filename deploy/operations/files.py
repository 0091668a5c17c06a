"""Many small files at once: one read for all, one atomic write for each that differs."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.files import Contents, Files
from deploy.model.row import Disturbs
from deploy.observe.files import Found, Kind
from deploy.operations import notes

Commands = Generator[StringCommand, None, None]


@dataclass(frozen=True, slots=True)
class File:
    """A file as it shall be. A secret's content is never shown, only its digest."""

    path: str
    content: bytes
    mode: str = "0644"
    user: str = "root"
    group: str = "root"
    secret: bool = False

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.content).hexdigest()


def read(paths: Iterable[str]) -> dict[str, Found]:
    """Return what lies at the paths of the current host; raise HostError where that cannot be read."""
    found: dict[str, Found] | None = host.get_fact(Files, paths=list(paths))
    if found is None:
        raise HostError(f"could not read {', '.join(paths)}: stat and sha256sum gave no complete answer")
    return found


def obstacles(paths: Iterable[str], found: Mapping[str, Found]) -> list[str]:
    """Say what lies where a regular file shall be, and is none."""
    return [
        f"{path} is a {found[path].kind} where a regular file is wanted; find out whose it is and move it"
        for path in paths
        if path in found and found[path].kind is not Kind.FILE
    ]


def _refuse_duplicates(files: Sequence[File]) -> None:
    twice = sorted(path for path, times in Counter(file.path for file in files).items() if times > 1)
    if twice:
        raise ValueError(f"declared more than once: {', '.join(twice)}")


def differing(files: Sequence[File], found: Mapping[str, Found]) -> Iterator[tuple[File, Found | None]]:
    """Yield the files that are not yet as they shall be, with what lies there now."""
    for file in files:
        there = found.get(file.path)
        wanted = (file.mode.zfill(4), file.user, file.group, file.sha256)
        if there is None or (there.mode, there.user, there.group, there.sha256) != wanted:
            yield file, there


def _access(mode: str, user: str, group: str) -> str:
    return f"{mode.zfill(4)} {user}:{group}"


def _write(file: File) -> StringCommand:
    """Write through `.part`, check what arrived, move it into place: a torn connection changes nothing.

    A path that is a mount point, as /etc/hosts is in a container, can only be written in place.
    """
    path, part = shlex.quote(file.path), shlex.quote(f"{file.path}.part")
    in_place = f"cat {part} > {path} && rm -f -- {part}"
    steps = (
        f"mkdir -p -- {shlex.quote(str(PurePosixPath(file.path).parent))}",
        f"rm -f -- {part}",
        f"(umask 077 && base64 -d > {part})",
        f"echo {shlex.quote(f'{file.sha256}  {file.path}.part')} | sha256sum -c --status -",
        f"chown {shlex.quote(f'{file.user}:{file.group}')} {part}",
        f"chmod {shlex.quote(file.mode)} {part}",
        f"if mountpoint -q {path}; then {in_place}; else mv -fT -- {part} {path}; fi",
    )
    return StringCommand(" && ".join(steps), _stdin=base64.b64encode(file.content).decode())


def _mend(file: File) -> StringCommand:
    path = QuoteString(file.path)
    owner = QuoteString(f"{file.user}:{file.group}")
    return StringCommand("chown", owner, path, "&& chmod", QuoteString(file.mode), path)


def _text(content: bytes) -> str | None:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _show(file: File, there: Found | None, current: bytes | None) -> None:
    """Show one file's change: text as a diff, secrets and binaries by digest, a mode as a mode."""
    if there is not None and there.sha256 == file.sha256:
        was, wanted = _access(there.mode, there.user, there.group), _access(file.mode, file.user, file.group)
        notes.diff(file.path, was, wanted)
        notes.reason(f"{file.path} is {was}, wanted {wanted}")
        return
    notes.reason(f"{file.path} {'is missing' if there is None else 'differs'}")
    before, after = _text(current or b""), _text(file.content)
    if file.secret or before is None or after is None:
        digest = there.sha256 if there else None
        before, after = f"sha256 {digest}" if digest else "", f"sha256 {file.sha256}"
    notes.diff(file.path, before, after)


def _explain(changes: Sequence[tuple[File, Found | None]]) -> None:
    if not notes.listened_to():
        return
    shown = [
        file.path for file, there in changes if there and there.sha256 != file.sha256 and not file.secret
    ]
    current: dict[str, bytes] | None = host.get_fact(Contents, paths=shown) if shown else None
    for file, there in changes:
        _show(file, there, (current or {}).get(file.path))


@operation()
def present(files: Sequence[File], disturbs: Disturbs = Disturbs.NOTHING) -> Commands:
    """Each file is there with its content, mode and owner; a mode alone is mended without a rewrite."""
    _refuse_duplicates(files)
    paths = [file.path for file in files]
    found = read(paths) if paths else {}
    if wrong := obstacles(paths, found):
        raise HostError("\n".join(wrong))
    changes = list(differing(files, found))
    if changes:
        _explain(changes)
        notes.disturbs(disturbs)
    for file, there in changes:
        yield _mend(file) if there and there.sha256 == file.sha256 else _write(file)


@operation()
def absent(paths: Sequence[str], disturbs: Disturbs = Disturbs.NOTHING) -> Commands:
    """No file or link lies at these paths; a directory there is an error and stays."""
    found = read(paths) if paths else {}
    if wrong := [path for path in paths if path in found and found[path].kind is Kind.DIRECTORY]:
        raise HostError("\n".join(f"{path} is a directory, slipway deletes files only" for path in wrong))
    for path in (path for path in paths if path in found):
        notes.reason(f"{path} is there and shall not be")
        notes.disturbs(disturbs)
        yield StringCommand("rm -f --", QuoteString(path))


@operation()
def withdrawn(paths: Sequence[str], mark: bytes) -> Commands:
    """What we wrote at these paths, known by how it begins, is gone; files of others stay."""
    found: dict[str, bytes] | None = host.get_fact(Contents, paths=list(paths)) if paths else {}
    if found is None:
        raise HostError(f"could not read {', '.join(paths)}")
    for path in (path for path, content in found.items() if content.startswith(mark)):
        notes.reason(f"{path} is of no use any more")
        yield StringCommand("rm -f --", QuoteString(path))
