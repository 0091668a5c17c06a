"""A CA on a host: whether the system's store has it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

# update-ca-certificates(8): what lies here as .crt is trusted by every program that reads the bundle
LOCAL = "/usr/local/share/ca-certificates/slipway-services.crt"
# the link that it makes for each, under the same name
LINKED = "/etc/ssl/certs/slipway-services.pem"


@dataclass(frozen=True, slots=True)
class Trusted:
    """The sha256 of the CA, of its copy in the system's store, and of what programs read; None: not there."""

    wanted: str | None
    local: str | None
    linked: str | None


def command(path: str) -> str:
    """Return what prints the three digests."""
    names = {"wanted": path, "local": LOCAL, "linked": LINKED}
    lines = [
        f"[ ! -r {shlex.quote(file)} ] || echo {name} $(sha256sum < {shlex.quote(file)} | cut -c1-64)"
        for name, file in names.items()
    ]
    return "\n".join([*lines, "echo end"])


def parse(lines: Sequence[str]) -> Trusted | None:
    """Return the digests; None when the host did not answer to its end."""
    found = dict(line.split(" ", 1) for line in lines if " " in line)
    if "end" not in lines:
        return None
    return Trusted(found.get("wanted"), found.get("local"), found.get("linked"))
