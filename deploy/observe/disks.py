"""Room and inodes of the file systems that matter, and what block devices there are."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, number

PATHS = (
    "/", "/var", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd", "/var/lib/rancher", "/tmp",  # noqa: S108 - read only
)  # fmt: skip


def command(paths: Sequence[str] = PATHS) -> str:
    """Return what reads room and inodes; a path that is not there yet lies on its nearest parent."""
    asked = shlex.join(paths)
    return f"""
nl='
'
for p in {asked}; do
  q=$p; while [ ! -e "$q" ]; do q=${{q%/*}}; q=${{q:-/}}; done
  set -- "$@" "$q"
done
# a line for each, after the header; where one fails, they are asked one by one
if ! {{ k=$(df -P -k "$@") && i=$(df -P -i "$@"); }}; then
  k=; i=
  for q; do
    k="$k$nl$(df -P -k "$q" | tail -n 1)"; i="$i$nl$(df -P -i "$q" | tail -n 1)"
  done
fi
for p in {asked}; do
  k=${{k#*"$nl"}}; set -- ${{k%%"$nl"*}}; shift $(($# > 6 ? $# - 6 : 0))
  said="$2 $4" at="$6 $1"
  i=${{i#*"$nl"}}; set -- ${{i%%"$nl"*}}; shift $(($# > 6 ? $# - 6 : 0))
  echo "$p $said ${{5%\\%}} $at"
done
for b in /sys/block/*; do
  case ${{b##*/}} in loop*|ram*|zram*|sr*|dm-*|md*) continue ;; esac
  read -r s < "$b/size"; read -r rot < "$b/queue/rotational"
  echo "block ${{b##*/}} $s $rot"
done
:
"""


@dataclass(frozen=True, slots=True)
class Disk:
    """A path, in KiB and percent; `inodes_used` is None on file systems that have no fixed number."""

    path: str
    size_kib: int
    free_kib: int
    inodes_used: int | None
    mount: str
    device: str

    @property
    def used(self) -> int:
        """Percent of the room that is used."""
        return 100 - 100 * self.free_kib // self.size_kib if self.size_kib else 100


@dataclass(frozen=True, slots=True)
class Block:
    """A block device, in bytes."""

    name: str
    size: int
    rotational: bool


@dataclass(frozen=True, slots=True)
class Disks:
    """What is mounted where it matters, and the devices themselves."""

    paths: tuple[Disk, ...]
    blocks: tuple[Block, ...]


def parse(text: str) -> Disks:
    """Read the lines; a host whose root file system is not among them could not be read."""
    paths: list[Disk] = []
    blocks: list[Block] = []
    for line in text.splitlines():
        match line.split():
            case ["block", name, sectors, rotational] if (size := number(sectors)) is not None:
                blocks.append(Block(name, size * 512, rotational == "1"))
            case [path, size_text, free_text, inodes, mount, device] if path.startswith("/"):
                size_kib, free = number(size_text), number(free_text)
                if size_kib is not None and free is not None:
                    paths.append(Disk(path, size_kib, free, number(inodes), mount, device))
    if not any(disk.path == "/" for disk in paths):
        raise UnreadableError("df said nothing about /")
    return Disks(tuple(paths), tuple(blocks))
