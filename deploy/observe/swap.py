"""Swap: what is swapped to now, and everything that would bring it back at boot."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

FSTAB = "/etc/fstab"
ZRAM = "/etc/systemd/zram-generator.conf"
# zram-tools of Debian and Ubuntu; dphys-swapfile of Raspberry Pi OS
SERVICES = ("dphys-swapfile.service", "zramswap.service")
COMMAND = f"""
export LC_ALL=C
[ -r /proc/swaps ] && echo readable
while read -r path rest; do [ "$path" = Filename ] || echo "active $path"; done < /proc/swaps
echo "fstab $(base64 -w0 < {FSTAB} 2>/dev/null)"
systemctl list-unit-files --plain --no-legend --no-pager '*.swap' {" ".join(SERVICES)} 2>/dev/null |
  while read -r unit state rest; do echo "unit $state $unit"; done
for f in {ZRAM} /usr/local/lib/systemd/zram-generator.conf /usr/lib/systemd/zram-generator.conf; do
  [ -e "$f" ] && {{ grep -q '^[[:space:]]*\\[zram' "$f" && echo "zram $f"; break; }}
done
:
"""
ENABLED, GENERATED = "enabled", "generated"
_ENTRY = re.compile(r"^(?=\s*[^#\s])\s*\S+\s+\S+\s+swap(\s.*)?$")


@dataclass(frozen=True, slots=True)
class Swap:
    """`units` maps swap units and services to their state; `zram` is the generator's file that makes some."""

    active: tuple[str, ...]
    fstab: str
    units: dict[str, str]
    zram: str | None

    @property
    def returning(self) -> tuple[str, ...]:
        """Name everything that would bring swap back at boot."""
        entries = (line for line in self.fstab.splitlines() if _ENTRY.match(line))
        return (
            *(f"{FSTAB}: {' '.join(line.split())}" for line in entries),
            *self.startable,
            *([self.zram] if self.zram else []),
        )

    @property
    def startable(self) -> tuple[str, ...]:
        """The units that a boot would start: enabled ones, and those that a generator makes of partitions."""
        return tuple(unit for unit, state in self.units.items() if state in (ENABLED, GENERATED))


def without_swap(fstab: str) -> str:
    """Return fstab with its swap entries commented out, whatever blanks or tabs separate their fields."""
    return "".join(
        f"# by slipway: {line}" if _ENTRY.match(line.rstrip("\n")) else line
        for line in fstab.splitlines(keepends=True)
    )


def _path(word: str) -> str:
    """Undo the kernel's octal escapes, such as 040 for a blank."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), word)


def parse(text: str) -> Swap | None:
    """Read the tagged lines; None when /proc/swaps could not be read, which is not the same as no swap."""
    active: list[str] = []
    units: dict[str, str] = {}
    fstab, zram, readable = "", None, False
    for line in text.splitlines():
        match line.split(" "):
            case ["readable"]:
                readable = True
            case ["active", path]:
                active.append(_path(path))
            case ["fstab", content]:
                try:
                    fstab = base64.b64decode(content, validate=True).decode(errors="surrogateescape")
                except (binascii.Error, ValueError):
                    return None
            case ["unit", state, unit]:
                units[unit] = state
            case ["zram", path]:
                zram = path
    return Swap(tuple(active), fstab, units, zram) if readable else None
