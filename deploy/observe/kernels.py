"""The kernels on a host, what a boot loads, and whether the next boot brings another one."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError

COMMAND = """
read -r v < /proc/sys/kernel/osrelease; echo "running $v"
for d in /lib/modules/*; do
  [ -d "$d" ] || continue
  [ -e "$d/build" ] && echo "installed ${d##*/} headers" || echo "installed ${d##*/}"
done
if [ -e /run/reboot-required ]; then
  why=; while read -r p; do why="$why $p"; done < /run/reboot-required.pkgs
  echo "reboot$why"
fi
for f in /etc/modules-load.d/*.conf /usr/lib/modules-load.d/*.conf /etc/modules; do
  [ -r "$f" ] && while read -r m rest || [ -n "$m" ]; do
    case $m in ''|'#'*|';'*) ;; *) echo "persisted $m" ;; esac
  done < "$f"
done
:
"""


@dataclass(frozen=True, slots=True)
class Kernels:
    """`installed` maps each kernel to whether its headers are there, oldest first.

    `reboot` is what asks for a reboot, None when nothing does; `persisted` is loaded at every boot.
    """

    running: str
    installed: dict[str, bool]
    reboot: str | None
    persisted: frozenset[str]

    @property
    def newest(self) -> str:
        """The kernel that a boot loader starts next."""
        return max(self.installed, key=_order, default=self.running)

    @property
    def waits(self) -> str | None:
        """Say what waits for a reboot; None when nothing does."""
        if self.reboot is not None:
            return f"a reboot is asked for{' by ' + self.reboot if self.reboot else ''}"
        if self.running in self.installed and self.newest != self.running:
            return f"kernel {self.running} runs, {self.newest} is installed"
        return None


def _order(release: str) -> list[tuple[int, int | str]]:
    """Sort 6.8.0-90-generic after 6.8.0-9-generic."""
    parts = "".join(letter if letter.isalnum() else " " for letter in release).split()
    return [(1, int(part)) if part.isascii() and part.isdigit() else (0, part) for part in parts]


def parse(text: str) -> Kernels:
    """Read the tagged lines."""
    running, reboot = "", None
    installed: dict[str, bool] = {}
    persisted: set[str] = set()
    for line in text.splitlines():
        match line.split():
            case ["running", running]:
                pass
            case ["installed", release, *headers]:
                installed[release] = headers == ["headers"]
            case ["reboot", *packages]:
                reboot = " ".join(packages)
            case ["persisted", name]:
                persisted.add(name)
    if not running:
        raise UnreadableError("the host did not name its kernel")
    ordered = {release: installed[release] for release in sorted(installed, key=_order)}
    return Kernels(running, ordered, reboot, frozenset(persisted))
