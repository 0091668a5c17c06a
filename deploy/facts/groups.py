"""Groups and directories that a host has, of those asked about."""

from __future__ import annotations

import shlex

from pyinfra.api import FactBase
from typing_extensions import override


class Groups(FactBase[list[str]]):
    """Return those of the groups that exist.

    .. code:: python

        ["render", "video"]
    """

    @staticmethod
    @override
    def default() -> list[str]:
        return []

    @override
    def command(self, groups: list[str]) -> str:
        return f'for g in {shlex.join(groups)}; do getent group "$g" >/dev/null && echo "$g"; done; true'

    @override
    def process(self, output: list[str]) -> list[str]:
        return list(output)


class Folders(FactBase[list[str]]):
    """Return those of the paths that are directories.

    .. code:: python

        ["/etc/cdi"]
    """

    @staticmethod
    @override
    def default() -> list[str]:
        return []

    @override
    def command(self, paths: list[str]) -> str:
        return f'for p in {shlex.join(paths)}; do [ -d "$p" ] && echo "$p"; done; true'

    @override
    def process(self, output: list[str]) -> list[str]:
        return list(output)
