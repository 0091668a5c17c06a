"""A host's name, and the names of the others."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.errors import HostError
from deploy.facts.host import HostIdentity
from deploy.observe import hostname as observed
from deploy.operations import files, notes
from deploy.operations.files import Commands, File


def _read() -> observed.Identity:
    found: observed.Identity | None = host.get_fact(HostIdentity)
    if found is None:
        raise HostError("could not read the host's name and /etc/hosts")
    return found


@operation()
def named(hostname: str) -> Commands:
    """The host has this name, now and after a boot."""
    found = _read()
    yield from files.present._inner([File(observed.HOSTNAME, f"{hostname}\n".encode())])
    if found.live != hostname:
        notes.reason(f"the host is called {found.live}, the inventory says {hostname}")
        yield StringCommand("hostname --", QuoteString(hostname))


@operation()
def known(entries: Sequence[tuple[str, Sequence[str]]]) -> Commands:
    """/etc/hosts resolves each (address, names); lines that are not ours stay as they are."""
    found = _read()
    try:
        wanted = observed.with_block(found.hosts, entries)
    except ValueError as error:
        raise HostError(f"{observed.HOSTS}: {error}; remove what is left of the block") from None
    yield from files.present._inner([File(observed.HOSTS, wanted.encode())])
