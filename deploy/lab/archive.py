"""Archives whose bytes depend on nothing but their content."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of an archive: its name there (a folder's ends in a slash), its bytes, its mode."""

    name: str
    content: bytes | Path
    mode: int = 0o644


def tar(entries: Iterable[Entry]) -> bytes:
    """Return a tar of the entries, in order of their names, with owner root and time 0."""
    out = io.BytesIO()
    write_tar(out, entries)
    return out.getvalue()


def write_tar(out: io.BufferedIOBase, entries: Iterable[Entry]) -> None:
    """Write a tar of the entries, in order of their names, with owner root and time 0."""
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in sorted(entries, key=lambda each: each.name):
            member = tarfile.TarInfo(entry.name)
            member.mode = entry.mode
            member.type = tarfile.DIRTYPE if entry.name.endswith("/") else tarfile.REGTYPE
            if isinstance(entry.content, bytes):
                member.size = len(entry.content)
                archive.addfile(member, io.BytesIO(entry.content))
            else:
                member.size = entry.content.stat().st_size
                with entry.content.open("rb") as content:
                    archive.addfile(member, content)


def tgz(path: Path, entries: Iterable[Entry]) -> None:
    """Write a gzipped tar; level 1, since it crosses one machine's bridge only."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as out:
        write_tar(out, entries)


def tree(root: Path, prefix: str = "") -> list[Entry]:
    """Return a directory's files as entries; a file is executable for all when it is for its owner."""
    return [
        Entry(f"{prefix}{path.relative_to(root)}", path, 0o755 if path.stat().st_mode & 0o100 else 0o644)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    ]


def flat(files: Mapping[str, Path], mode: int = 0o755) -> list[Entry]:
    """Return named files as executable entries."""
    return [Entry(name, path, mode) for name, path in files.items()]
