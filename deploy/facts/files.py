"""Files as facts."""

from __future__ import annotations

from collections.abc import Sequence

from pyinfra.api import FactBase
from typing_extensions import override

from deploy.observe import files


class Files(FactBase[dict[str, files.Found] | None]):
    """Return what lies at each path; a missing path is absent from the dict, None means could not be read.

    .. code:: python

        {"/etc/hosts": Found(Kind.FILE, "0644", "root", "root", "e3b0c442...")}
    """

    @override
    def command(self, paths: Sequence[str]) -> str:
        return files.command(paths)

    @override
    def process(self, output: list[str]) -> dict[str, files.Found] | None:
        return files.parse(output)


class Digests(FactBase[dict[str, str] | None]):
    """Return the sha256 of the regular files among the paths.

    .. code:: python

        {"/etc/hosts": "e3b0c442..."}
    """

    @override
    def command(self, paths: Sequence[str]) -> str:
        return files.digests_command(paths)

    @override
    def process(self, output: list[str]) -> dict[str, str] | None:
        return files.parse_digests(output)


class Contents(FactBase[dict[str, bytes] | None]):
    """Return the content of the regular files among the paths, as far as a diff shows it.

    .. code:: python

        {"/etc/hostname": b"n1"}
    """

    @override
    def command(self, paths: Sequence[str]) -> str:
        return files.contents_command(paths)

    @override
    def process(self, output: list[str]) -> dict[str, bytes] | None:
        return files.parse_contents(output)
