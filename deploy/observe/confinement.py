"""Whether a host is a container, and what its machine keeps from it."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, number, pairs

COMMAND = """
echo asked=yes
c=; [ -r /run/systemd/container ] && read -r c < /run/systemd/container && echo "container=$c"
while read -r a b c d hard unit; do
  case "$a $b $c" in
    "Max open files") echo "nofile=$hard" ;;
    "Max processes "*) echo "nproc=$d" ;;
  esac
done < /proc/1/limits
while read -r key value; do [ "$key" = CapBnd: ] && echo "capabilities=$value"; done < /proc/1/status
:
"""
SYS_RESOURCE = 1 << 24  # linux/capability.h


@dataclass(frozen=True, slots=True)
class Confinement:
    """`container` names what made it, None for a machine; a limit is None where there is none."""

    container: str | None
    nofile: int | None
    nproc: int | None
    may_raise_limits: bool


def parse(text: str) -> Confinement:
    """Read the pairs."""
    found = pairs(text)
    if "asked" not in found:
        raise UnreadableError("nothing was said about limits")
    try:
        capabilities = int(found.get("capabilities", "f" * 16), 16)
    except ValueError as error:
        raise UnreadableError("the capabilities are no number") from error
    return Confinement(
        container=found.get("container") or None,
        nofile=number(found.get("nofile")),
        nproc=number(found.get("nproc")),
        may_raise_limits=bool(capabilities & SYS_RESOURCE),
    )
