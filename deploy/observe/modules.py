"""Kernel modules by their effect: what is built in counts as loaded."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# Where the kernel shows that it can do what a module brings; /sys/module hides what is built in.
_EFFECTS = """case $m in
  overlay) case $known in *" overlay "*) ;; *) false ;; esac ;;
  br_netfilter) [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] ;;
  nf_conntrack) [ -e /proc/sys/net/netfilter/nf_conntrack_max ] ;;
  ip_vs) [ -e /proc/net/ip_vs ] ;;
  *) [ -d "/sys/module/$m" ] ;;
esac"""


class Presence(StrEnum):
    """How far a module's work is available."""

    WORKS = "works"
    LOADABLE = "loadable"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Modules:
    """The running kernel, whether it can load modules at all, and what each module asked for is."""

    kernel: str
    monolithic: bool
    presence: dict[str, Presence]


def command(names: Sequence[str]) -> str:
    """Return what asks the kernel for each module."""
    return (
        'echo "kernel $(uname -r)"; [ -e /proc/modules ] || echo monolithic\n'
        'known=" "; while read -r a b; do known="$known${b:-$a} "; done < /proc/filesystems\n'
        f"for m in {shlex.join(names)}; do\n{_EFFECTS}\n"
        'if [ $? -eq 0 ]; then echo "module $m works"\n'
        'elif modprobe -nq -- "$m" 2>/dev/null; then echo "module $m loadable"\n'
        'else echo "module $m missing"; fi\ndone'
    )


def parse(text: str) -> Modules | None:
    """Read the tagged lines; None when the host did not name its kernel."""
    kernel, monolithic = "", False
    presence = {}
    for line in text.splitlines():
        match line.split():
            case ["kernel", kernel]:
                pass
            case ["monolithic"]:
                monolithic = True
            case ["module", name, ("works" | "loadable" | "missing") as word]:
                presence[name] = Presence(word)
    return Modules(kernel, monolithic, presence) if kernel else None
