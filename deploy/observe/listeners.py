"""Who listens on which port of a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy.observe.pairs import UnreadableError, number

COMMAND = "command -v ss >/dev/null || exit 127; ss -Hlntup"
_PROCESS = re.compile(r'\(\("([^"]*)",pid=(\d+)')


@dataclass(frozen=True, slots=True)
class Listener:
    """A listening socket; `process` is None where it could not be read, that is without root."""

    protocol: str
    address: str
    port: int
    process: str | None
    pid: int | None


def _listener(line: str) -> Listener | None:
    """Read `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`."""
    parts = line.split()
    if len(parts) < 6 or parts[0] not in ("tcp", "udp"):
        return None
    address, _, port = parts[4].rpartition(":")
    found = number(port)
    if found is None:
        return None
    process = _PROCESS.search(line)
    return Listener(
        protocol=parts[0],
        address=address.partition("%")[0].strip("[]"),
        port=found,
        process=process[1] if process else None,
        pid=number(process[2]) if process else None,
    )


def parse(text: str) -> tuple[Listener, ...]:
    """Return the sockets; a host that was asked over SSH has at least sshd's, so none is an error."""
    found = tuple(each for line in text.splitlines() if (each := _listener(line)))
    if not found:
        raise UnreadableError("ss printed no listening socket")
    return found
