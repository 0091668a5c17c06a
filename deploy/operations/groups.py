"""Groups of the host's own."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.facts.groups import Groups
from deploy.operations import notes
from deploy.operations.files import Commands


@operation()
def present(names: Sequence[str]) -> Commands:
    """Each system group exists."""
    there = host.get_fact(Groups, groups=list(names))
    for name in names:
        if name not in there:
            notes.reason(f"group {name} is missing")
            yield StringCommand("groupadd --system --", QuoteString(name))
