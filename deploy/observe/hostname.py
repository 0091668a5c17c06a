"""A host's own name, and the names that its /etc/hosts knows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

HOSTS = "/etc/hosts"
HOSTNAME = "/etc/hostname"
BEGIN = "# slipway: the cluster's nodes; edit the inventory instead"
END = "# slipway: end"
COMMAND = f'echo "live $(uname -n)"; echo "hosts $(base64 -w0 < {HOSTS} 2>/dev/null)"'


@dataclass(frozen=True, slots=True)
class Identity:
    """The kernel's host name, and /etc/hosts as it is."""

    live: str
    hosts: str


def parse(text: str) -> Identity | None:
    """Read the tagged lines; None when the kernel did not say its name or /etc/hosts is no text."""
    live, hosts = "", ""
    for line in text.splitlines():
        match line.split(" "):
            case ["live", live]:
                pass
            case ["hosts", content]:
                try:
                    hosts = base64.b64decode(content, validate=True).decode()
                except (binascii.Error, ValueError):
                    return None
    return Identity(live, hosts) if live else None


def block(entries: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Return our lines of /etc/hosts: an address and its names each."""
    return [BEGIN, *(f"{address} {' '.join(names)}" for address, names in entries), END]


def with_block(hosts: str, entries: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Return /etc/hosts with our block as its first lines and every other line untouched.

    First, because a resolver takes the first answer, and Debian writes 127.0.1.1 for the host's own name.
    Raises ValueError on a block whose end is missing: which lines are ours is not known then.
    """
    lines = hosts.splitlines()
    ours = block(entries)
    kept: list[str] = []
    inside = False
    for line in lines:
        if line == BEGIN:
            inside = True
        elif inside and line == END:
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise ValueError(f"the block that begins with {BEGIN!r} has no {END!r}")
    return "\n".join([*ours, *kept]) + "\n"
