"""What slipway installed: each file's inode, size and ctime beside the stamp that was left for it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

STAMPS = "/var/lib/slipway/stamps"
# always in UTC: the stamp is compared as text
STAT = "%i %s %z"
END = "end-of-artifacts"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What was installed: the digest of the download, of the file that came of it, and the file's stat."""

    artifact: str
    file: str
    stat: str


@dataclass(frozen=True, slots=True)
class Placed:
    """What lies at a destination now: `stat` is inode, size and ctime as `STAT` prints them."""

    kind: str
    mode: str
    owner: str
    stat: str


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything known without hashing: the files and the stamps, both by destination."""

    placed: dict[str, Placed]
    stamps: dict[str, Stamp]

    def untouched(self, dest: str) -> bool:
        """Say whether a file is still the one that its stamp was made for."""
        placed, stamp = self.placed.get(dest), self.stamps.get(dest)
        return placed is not None and stamp is not None and placed.stat == stamp.stat


def stamp_path(dest: str) -> str:
    """Return where the stamp of a destination is kept."""
    return f"{STAMPS}/{dest.strip('/').replace('/', '-')}"


def command(dests: Sequence[str]) -> str:
    """Return what reads files and stamps: two processes, however many there are."""
    paths = " ".join(shlex.quote(dest) for dest in dests)
    stamps = " ".join(shlex.quote(stamp_path(dest)) for dest in dests)
    line = f"file\\t%F\\t%a\\t%U:%G\\t{STAT}\\t%n\\n"
    return (
        f"export LC_ALL=C TZ=UTC; stat --printf='{line}' -- {paths} 2>/dev/null; "
        f"cat -- {stamps} 2>/dev/null; echo {END}"
    )


def parse(lines: Sequence[str]) -> Installation | None:
    """Return what was found; a broken stamp counts as none. None when the output is cut off."""
    if END not in lines:
        return None
    found = Installation({}, {})
    for line in lines:
        match line.split("\t"):
            case ["file", kind, mode, owner, stat, dest]:
                found.placed[dest] = Placed(kind, mode.zfill(4), owner, stat)
            case ["stamp", artifact, file, stat, dest]:
                found.stamps[dest] = Stamp(artifact, file, stat)
    return found
