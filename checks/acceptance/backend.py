"""testinfra over a connection that a run already has: no second login, one round trip per command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host
from typing_extensions import override


class Ran(Protocol):
    """What a command did, as the engine tells it."""

    @property
    def rc(self) -> int:
        """Its exit status."""

    @property
    def out(self) -> str:
        """Its output."""

    @property
    def err(self) -> str:
        """Its complaints."""


Run = Callable[[str], Ran]
"""A shell command -> what it did, run as root on one host."""


class Backend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """A host that answers through a function."""

    NAME = "slipway"

    def __init__(self, name: str, run: Run) -> None:
        super().__init__(name)
        self._run = run
        self._encoding = "utf-8"  # testinfra would start Python on the host to learn it

    @override
    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        line = self.get_command(command, *args)
        ran = self._run(line)
        return self.result(ran.rc, self.encode(line), ran.out, ran.err)


def host(name: str, run: Run) -> Host:
    """Return testinfra's view of a host."""
    backend = Backend(name, run)
    seen = Host(backend)
    backend.set_host(seen)
    return seen
