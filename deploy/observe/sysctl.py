"""Kernel parameters: the live value, and the value that the next boot brings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

# systemd-sysctl (sysctl.d(5)): files by name, whatever their directory; a name in an earlier directory
# hides the same name in a later one.
DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
_FILES = " ".join(f"{directory}/*.conf" for directory in DIRECTORIES)
# not by the shell's read, which takes one byte at a time: of a number /proc/sys gives only the first
_READ = r"""
set -f; IFS='
'
say() {{ [ -w "$2" ] && w=rw || w=ro; echo "live $1 $w ${{3#"$2:"}}"; }}
for line in $(grep -Hs '' -- {paths} /dev/null); do
  case $line in
    {cases}
  esac
done
unset IFS; set +f
grep -HEv '^[[:space:]]*([#;]|$)' {files} 2>/dev/null | sed 's/^/set /'
echo end"""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A live parameter; `writable` is False where /proc/sys is read-only, as in an unprivileged container."""

    value: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Assignment:
    """A line of a sysctl.d file."""

    path: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Sysctls:
    """The live parameters that exist, and every assignment in the order in which a boot applies them."""

    live: dict[str, Parameter]
    assignments: tuple[Assignment, ...]

    def others(self, key: str, path: str) -> list[Assignment]:
        """Return what other files than `path` say about a key, the last to be applied last."""
        return [item for item in self.assignments if item.key == key and item.path != path]

    def overriding(self, key: str, path: str) -> Assignment | None:
        """Return the line of another file that a boot applies after `path`."""
        name = PurePosixPath(path).name
        later = [item for item in self.others(key, path) if PurePosixPath(item.path).name > name]
        return later[-1] if later else None


def proc_path(key: str) -> str:
    """Return net.ipv4.ip_forward as a path; in net/ipv4/conf/eth0.1/x a slash separates (sysctl.d(5))."""
    separated = key if "/" in key.partition(".")[0] else key.translate(str.maketrans("./", "/."))
    return f"/proc/sys/{separated}"


def normal(value: object) -> str:
    """Return a value as the kernel prints it, tabs as blanks."""
    return " ".join(str(value).split())


def command(keys: Sequence[str]) -> str:
    """Return what reads the keys and all sysctl.d files."""
    paths = {shlex.quote(key): shlex.quote(proc_path(key)) for key in keys}
    cases = "\n    ".join(f'{path}:*) say {key} {path} "$line" ;;' for key, path in paths.items())
    return _READ.format(paths=" ".join(paths.values()), cases=cases, files=_FILES)


def _order(path: str) -> tuple[str, int]:
    directory = str(PurePosixPath(path).parent)
    return PurePosixPath(path).name, DIRECTORIES.index(directory) if directory in DIRECTORIES else 99


def _effective(assignments: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """Drop the files that a file of the same name hides, and sort as a boot does."""
    first: dict[str, str] = {}
    for path in sorted({item.path for item in assignments}, key=_order):
        first.setdefault(PurePosixPath(path).name, path)
    shown = [item for item in assignments if first[PurePosixPath(item.path).name] == item.path]
    return tuple(sorted(shown, key=lambda item: PurePosixPath(item.path).name))


def _assignment(line: str) -> Assignment | None:
    path, colon, setting = line.partition(":")
    key, equals, value = setting.partition("=")
    key = key.strip().removeprefix("-").strip()
    if "/" in key and "/" in key.partition(".")[0]:
        key = key.translate(str.maketrans("./", "/."))
    return Assignment(path, key, normal(value)) if colon and equals and key else None


def parse(text: str) -> Sysctls | None:
    """Read the tagged lines; None when the output is cut off."""
    live = {}
    assignments = []
    lines = text.splitlines()
    for line in lines:
        tag, _, rest = line.partition(" ")
        match tag, rest.split(" ", 2):
            case "live", [key, ("rw" | "ro") as access, value]:
                live[key] = Parameter(normal(value), access == "rw")
            case "set", _:
                if (assignment := _assignment(rest)) is not None:
                    assignments.append(assignment)
    return Sysctls(live, _effective(assignments)) if "end" in lines else None
