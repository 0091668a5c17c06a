"""Pinned downloads: fetched beside their place, verified, moved into it, and remembered by a stamp."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError, InventoryError
from deploy.facts.artifacts import Artifacts
from deploy.facts.files import Digests
from deploy.facts.host import Machine
from deploy.model.row import Disturbs
from deploy.observe.artifacts import STAMPS, STAT, Installation, stamp_path
from deploy.operations import notes

OWNER = "root:root"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
SHA256 = re.compile(r"[0-9a-f]{64}")
UNPACK = "/var/lib/slipway/unpack"

# Parts carry the shell's pid: a killed run leaves a remote shell behind that must not write into ours.
_FETCH = r"""
set -u
fail() { rm -rf -- "$part" "$tree"; echo "$1" >&2; exit 1; }
digest() { # openssl, which ca-certificates brings, is several times as fast
  if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi < "$1" | cut -c1-64
}
fetch() {
  mkdir -p -- "${part%/*}" || fail "could not make ${part%/*}"
  curl -fsSL --proto '=http,https' --retry 3 --retry-delay 1 --retry-connrefused --connect-timeout 10 \
    --speed-limit 1024 --speed-time 30 -o "$part" -- "$url" || fail "could not fetch $url"
  found=$(digest "$part")
  [ "$found" = "$sum" ] || fail "$url: wanted sha256 $sum, found $found; nothing was installed"
}
place() { # source, destination, mode, stamp, digest
  chown root:root "$1" && chmod "$3" "$1" || fail "could not set the mode of $1"
  mv -fT -- "$1" "$2" && stamp "$2" "$sum" "$5" "$4" || fail "could not write $2"
}
"""
_STAMP = rf"""
stamp() {{
  mkdir -p -- {STAMPS} && stat=$(TZ=UTC stat -c '{STAT}' -- "$1") &&
    printf 'stamp\t%s\t%s\t%s\t%s\n' "$2" "$3" "$stat" "$1" > "$4.part" && mv -fT -- "$4.part" "$4"
}}
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A download and where it goes: to `dest`, or for an archive each member (path inside -> destination)."""

    url: str
    sha256: str
    dest: str | None = None
    mode: str = "0755"
    members: Mapping[str, str] = field(default_factory=dict)

    @property
    def dests(self) -> tuple[str, ...]:
        """Every file that comes of this download."""
        return (self.dest,) if self.dest else tuple(self.members.values())


def architecture() -> str:
    """Return the current host's architecture as upstream's file names have it."""
    machine: str | None = host.get_fact(Machine)
    if machine not in ARCHITECTURES:
        raise HostError(
            f"the host's architecture is {machine}; {' and '.join(ARCHITECTURES)} can be installed"
        )
    return ARCHITECTURES[machine]


def _refuse_unpinned(items: Sequence[Installed]) -> None:
    wrong = [
        f"{item.url} has no sha256 in the lock file, and nothing is installed unverified; "
        "run `slipway artifacts lock` on the inventory"
        for item in items
        if not SHA256.fullmatch(item.sha256)
    ]
    if wrong:
        raise InventoryError("\n".join(wrong))


def _read(dests: Sequence[str]) -> Installation:
    found: Installation | None = host.get_fact(Artifacts, dests=list(dests))
    if found is None:
        raise HostError(f"could not read {', '.join(dests)}: stat gave no complete answer")
    obstacles = [
        f"{dest} is a {placed.kind} where a regular file is wanted; find out whose it is and move it"
        for dest, placed in found.placed.items()
        if placed.kind not in ("regular file", "regular empty file")
    ]
    if obstacles:
        raise HostError("\n".join(obstacles))
    return found


def _digests(items: Sequence[Installed], found: Installation, rehash: bool) -> dict[str, str]:
    """Hash what the stamps leave open."""
    unsure = [
        dest
        for item in items
        for dest in item.dests
        if dest in found.placed
        and (rehash or not found.untouched(dest) or found.stamps[dest].artifact != item.sha256)
    ]
    digests: dict[str, str] | None = host.get_fact(Digests, paths=unsure) if unsure else {}
    return digests or {}


def fault(item: Installed, dest: str, found: Installation, digests: Mapping[str, str]) -> str | None:
    """Say what is wrong with one installed file; None when it is what the lock file names."""
    stamp = found.stamps.get(dest)
    if dest not in found.placed:
        return f"{dest} is missing"
    if item.dest and digests.get(dest) == item.sha256:
        return None
    if stamp is None:
        return f"{dest} was not installed by slipway"
    if stamp.artifact != item.sha256:
        return f"{dest} comes from another {item.url.rpartition('/')[2]} than the lock file names"
    if dest in digests and digests[dest] != stamp.file:
        return f"{dest} was replaced: its sha256 is {digests[dest]}, {stamp.file} was installed"
    return None if dest in digests or found.untouched(dest) else f"{dest} could not be hashed"


def _script(item: Installed) -> str:
    """Return the shell that fetches, verifies and places one download."""
    url, digest, mode = shlex.quote(item.url), item.sha256, shlex.quote(item.mode)
    lines = [_STAMP, _FETCH, f"url={url} sum={digest} tree={UNPACK}/{digest}.$$"]
    if item.dest:
        dest = shlex.quote(item.dest)
        lines += [f"rm -f -- {dest}.*.part", f"part={dest}.$$.part", "fetch"]
        lines += [f'place "$part" {dest} {mode} {shlex.quote(stamp_path(item.dest))} "$sum"']
        return "\n".join(lines)
    lines += [f"rm -rf -- {UNPACK}/*", 'part="$tree.part"', "fetch", 'mkdir -p -- "$tree"']
    lines += ['tar -xf "$part" -C "$tree" --no-same-owner || fail "could not unpack $url"']
    for member, path in item.members.items():
        dest, source = shlex.quote(path), f'"$tree"/{shlex.quote(member)}'
        lines += [
            f'[ -f {source} ] && [ ! -L {source} ] || fail "$url has no file "{shlex.quote(member)}',
            f"mkdir -p -- {shlex.quote(path.rpartition('/')[0])} && rm -f -- {dest}.*.part",
            f'file=$(digest {source}); mv -- {source} {dest}.$$.part || fail "could not write "{dest}',
            f'place {dest}.$$.part {dest} {mode} {shlex.quote(stamp_path(path))} "$file"',
        ]
    return "\n".join([*lines, 'rm -rf -- "$part" "$tree"'])


def _piped(what: str, script: str) -> StringCommand:
    """Run a script from stdin: errors show one line; and as one function: it runs whole or not at all."""
    return StringCommand("sh -s --", QuoteString(what), _stdin=f"main() {{\n{script}\n}}\nmain </dev/null\n")


def _mend(item: Installed, dest: str, file: str) -> StringCommand:
    """Set mode and owner, and stamp the file as it is: chmod moves the ctime."""
    words = (QuoteString(word) for word in (dest, item.sha256, file, stamp_path(dest)))
    access = ("chown", OWNER, QuoteString(dest), "&& chmod", QuoteString(item.mode), QuoteString(dest))
    return StringCommand(f"{_STAMP.strip()}\n", *access, "&& stamp", *words)


def _mends(item: Installed, found: Installation, digests: Mapping[str, str]) -> Iterator[StringCommand]:
    """Mend what has the right content: its mode, or a stamp that would have it hashed again and again."""
    wanted = f"{item.mode.zfill(4)} {OWNER}"
    for dest in item.dests:
        placed, stamp = found.placed[dest], found.stamps.get(dest)
        access = f"{placed.mode} {placed.owner}"
        if access != wanted:
            notes.diff(dest, access, wanted)
            notes.reason(f"{dest} is {access}, wanted {wanted}")
        elif stamp is None or stamp.artifact != item.sha256 or not found.untouched(dest):
            notes.reason(f"{dest} is as pinned, but its stamp is not of this file")
        else:
            continue
        yield _mend(item, dest, digests[dest] if stamp is None or dest in digests else stamp.file)


def _explain(item: Installed, faults: Sequence[str], found: Installation, disturbs: Disturbs) -> None:
    for text in faults:
        notes.reason(text)
    old = {found.stamps[dest].artifact for dest in item.dests if dest in found.stamps}
    before = "\n".join(f"sha256 {digest}" for digest in sorted(old - {item.sha256}))
    notes.diff(", ".join(item.dests), before, f"sha256 {item.sha256} {item.url}")
    if any(dest in found.placed for dest in item.dests):
        notes.disturbs(disturbs)


@operation()
def installed(
    items: Sequence[Installed],
    rehash: bool = False,
    disturbs: Disturbs = Disturbs.NOTHING,
    guard: Callable[[], None] | None = None,
) -> Generator[StringCommand, None, None]:
    """Every download is in its place as the lock file pins it.

    A stamp that still fits its file is enough; `rehash` hashes every file again, as drift does. A new
    file is moved over the old one's name: a running binary keeps its file, a wrong digest changes nothing.
    `guard` is called before anything is installed, and raises when it must not be.
    """
    _refuse_unpinned(items)
    found = _read([dest for item in items for dest in item.dests]) if items else Installation({}, {})
    digests = _digests(items, found, rehash)
    for item in items:
        faults = [text for dest in item.dests if (text := fault(item, dest, found, digests))]
        if faults:
            if guard:
                guard()
            _explain(item, faults, found, disturbs)
            yield _piped(item.url, _script(item))
        else:
            yield from _mends(item, found, digests)
