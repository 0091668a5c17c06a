"""Packages of Debian and Ubuntu: which are installed, which are held."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Packages:
    """The versions of the installed packages among those asked for, and which of them are held."""

    installed: dict[str, str]
    held: frozenset[str]


def command(names: Sequence[str]) -> str:
    """Return what asks dpkg."""
    return (
        "command -v dpkg-query >/dev/null && echo dpkg; "
        "dpkg-query -W -f '${db:Status-Want} ${db:Status-Status} ${Package} ${Version}\\n' "
        f"{shlex.join(names)} 2>/dev/null; :"
    )


def parse(text: str) -> Packages | None:
    """Read dpkg's lines; None where there is no dpkg."""
    installed: dict[str, str] = {}
    held: set[str] = set()
    known = False
    for line in text.splitlines():
        match line.split():
            case ["dpkg"]:
                known = True
            case [want, "installed", name, version]:
                installed[name] = version
                if want == "hold":
                    held.add(name)
    return Packages(installed, frozenset(held)) if known else None
