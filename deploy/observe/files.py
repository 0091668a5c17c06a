"""What lies at a path: kind, mode, owner and digest of many paths in one command."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

END = "end-of-files"
SHOWN_BYTES = 256 * 1024
_STAT = "%F\t%a\t%U\t%G\t%n"
# openssl, which ca-certificates brings, is five times as fast on a large file
_HASH = 'if command -v openssl >/dev/null; then openssl dgst -sha256 -r "$@"; else sha256sum -- "$@"; fi'
_OPERANDS = 'set --; for f in {paths}; do [ -f "$f" ] && set -- "$@" "$f"; done'


class Kind(StrEnum):
    """What a path is; a symbolic link is never followed."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "symbolic link"
    OTHER = "special file"


@dataclass(frozen=True, slots=True)
class Found:
    """What lies at a path. `sha256` is None where there is no regular file or it could not be read."""

    kind: Kind
    mode: str
    user: str
    group: str
    sha256: str | None = None


def _quoted(paths: Iterable[str]) -> str:
    return " ".join(shlex.quote(path) for path in paths)


def command(paths: Sequence[str]) -> str:
    """Return what reads the paths: two processes, however many there are. A missing path is not printed."""
    quoted = _quoted(paths)
    return (
        f"export LC_ALL=C; stat --printf='{_STAT}\\n' -- {quoted} 2>/dev/null; "
        f'{_OPERANDS.format(paths=quoted)}; [ $# -eq 0 ] || sha256sum -- "$@" 2>/dev/null; echo {END}'
    )


def digests_command(paths: Sequence[str]) -> str:
    """Return what hashes the regular files among the paths; they may be large."""
    return f"{_OPERANDS.format(paths=_quoted(paths))}; [ $# -eq 0 ] || {{ {_HASH}; }} 2>/dev/null; echo {END}"


def contents_command(paths: Sequence[str]) -> str:
    """Return what prints each regular file as `PATH<tab>BASE64`, cut after SHOWN_BYTES."""
    each = f'printf "%s\\t" "$f"; head -c {SHOWN_BYTES} -- "$f" | base64 -w0; echo'
    return f'{_OPERANDS.format(paths=_quoted(paths))}; for f in "$@"; do {each}; done; echo {END}'


def _kind(word: str) -> Kind:
    match word:
        case "regular file" | "regular empty file":
            return Kind.FILE
        case "directory":
            return Kind.DIRECTORY
        case "symbolic link":
            return Kind.LINK
        case _:
            return Kind.OTHER


def parse_digests(lines: Sequence[str]) -> dict[str, str] | None:
    """Read the lines of sha256sum or `openssl dgst -r`; None when the output is cut off."""
    if END not in lines:
        return None
    return {line[66:]: line[:64] for line in lines if line[64:66] in ("  ", " *")}


def parse(lines: Sequence[str]) -> dict[str, Found] | None:
    """Return what was found by path, without the missing ones; None when the output is cut off."""
    digests = parse_digests(lines)
    if digests is None:
        return None
    found = {}
    for line in lines:
        match line.split("\t", 4):
            case [kind, mode, user, group, path]:
                found[path] = Found(_kind(kind), mode.zfill(4), user, group, digests.get(path))
    return found


def parse_contents(lines: Sequence[str]) -> dict[str, bytes] | None:
    """Return the bytes by path; None when the output is cut off."""
    if END not in lines:
        return None
    found = {}
    for line in lines:
        path, tab, text = line.partition("\t")
        if tab:
            try:
                found[path] = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                continue
    return found
