"""The cgroup version of a host, and the controllers that are delegated."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, pairs

COMMAND = """
echo "type=$(stat -fc %T /sys/fs/cgroup)"
cd /sys/fs/cgroup && [ -r cgroup.controllers ] && read -r v < cgroup.controllers && echo "controllers=$v"
:
"""


@dataclass(frozen=True, slots=True)
class Cgroup:
    """`version` is 2, or 1 for legacy and hybrid hierarchies."""

    version: int
    controllers: frozenset[str]


def parse(text: str) -> Cgroup:
    """Read the pairs; busybox' stat prints the file system's number instead of its name."""
    found = pairs(text)
    kind = found.get("type", "")
    if not kind:
        raise UnreadableError("the type of /sys/fs/cgroup was not said")
    unified = kind == "cgroup2fs" or "63677270" in kind or "controllers" in found
    return Cgroup(2 if unified else 1, frozenset(found.get("controllers", "").split()))
