"""ipset as k3s brings it along (k3s-io/k3s-root): Debian's, with all that it is linked to, for any host."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from deploy.lab.store import kept, key_of

LIBRARIES = "./usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
PARTS = {
    "ipset.bin": "./usr/sbin/ipset",
    "libipset.so.13": f"{LIBRARIES}/libipset.so.13",
    "libmnl.so.0": f"{LIBRARIES}/libmnl.so.0",
    "libc.so.6": "./lib/x86_64-linux-gnu/libc.so.6",
    LOADER: f"./lib/x86_64-linux-gnu/{LOADER}",
}
"""Name -> its path in a layer that has the package."""
CALL = f"""#!/bin/sh
# with its own libraries: the host's may be older, or not there
here=${{0%/*}}
exec "$here/{LOADER}" --library-path "$here" "$here/ipset.bin" "$@"
"""


def bundled(layer: Path) -> Mapping[str, Path]:
    """Return the program and its parts by name, which must lie in one folder."""
    parts: dict[str, JsonValue] = dict(PARTS)

    def make(folder: Path) -> None:
        (folder / "ipset").write_text(CALL)
        with tarfile.open(layer) as packed:
            for name, path in PARTS.items():
                # of a link this is what it leads to
                source = packed.extractfile(path)
                assert source is not None  # noqa: S101 - none of them is a folder
                with source, (folder / name).open("wb") as sink:
                    shutil.copyfileobj(source, sink)

    folder = kept("k3s-ipset", key_of(layer.parent.name, parts, CALL), make)
    return {name: folder / name for name in ("ipset", *PARTS)}
