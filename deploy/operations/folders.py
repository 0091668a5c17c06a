"""Directories that have to be there."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from deploy.facts.groups import Folders
from deploy.operations import notes
from deploy.operations.files import Commands


@operation()
def present(paths: Sequence[str], mode: str = "0755") -> Commands:
    """Each path is a directory; one that is there is left as it is."""
    there = host.get_fact(Folders, paths=list(paths))
    for path in paths:
        if path not in there:
            notes.reason(f"{path} is missing")
            yield StringCommand("install -d -m", mode, "--", QuoteString(path))
