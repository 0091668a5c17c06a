"""Debian packages as image layers: unpacked, not installed, since an image needs their files only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deploy.lab.places import FILES
from deploy.lab.progress import Progress
from deploy.lab.run import run
from deploy.lab.store import kept, key_of, sha256

SUITE = "bookworm"
HOOK = FILES / "unpacked"


def layer(name: str, packages: Sequence[str], progress: Progress) -> Path:
    """Return a layer's tar, made where it is missing."""

    def make(folder: Path) -> None:
        options = ["--quiet", "--variant=extract", "--format=tar", f"--include={','.join(packages)}"]
        with progress.item(f"layer {name}"):
            run(["mmdebstrap", *options, f"--extract-hook={HOOK}", SUITE, str(folder / "layer.tar")])

    return kept(f"layer-{name}", key_of(SUITE, list(packages), sha256(HOOK)), make) / "layer.tar"
