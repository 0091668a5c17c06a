"""Which Go builds: the machine's where it is new enough, else the one that the recipes name."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from deploy.lab.errors import LabUsageError
from deploy.lab.progress import Progress
from deploy.lab.run import run
from deploy.lab.store import kept, key_of

USUAL = "/usr/local/go/bin/go"
"""Where Go's own installer puts it; root's PATH often lacks it."""


def numbers(version: str) -> tuple[int, ...]:
    """Return the comparable part of what `go version` prints: go1.26.8 is (1, 26, 8)."""
    found = re.search(r"\bgo(\d+(?:\.\d+)+)", version)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def present() -> str | None:
    """Return the machine's own Go, however old."""
    return shutil.which("go") or shutil.which(USUAL)


def go(wanted: str, progress: Progress) -> str:
    """Return a Go that is at least the wanted minor release, fetched as Go's toolchain module if need be."""
    own = present()
    if own is None:
        raise LabUsageError(
            f"the lab builds from Go modules and needs Go {wanted} or an older one to fetch it with; "
            "none is installed. Run: apt-get install golang-go"
        )
    if numbers(run([own, "version"]).stdout) >= numbers(f"go{wanted}")[:2]:
        return own

    def fetch(folder: Path) -> None:
        with progress.item(f"Go {wanted}"):
            module = f"golang.org/toolchain@v0.0.1-go{wanted}.linux-amd64"
            found = json.loads(run([own, "mod", "download", "-json", module], cwd=folder).stdout)
            shutil.copytree(found["Dir"], folder, dirs_exist_ok=True, copy_function=_executable)

    return str(kept("go", key_of(wanted), fetch) / "bin/go")


def _executable(source: str, target: str) -> str:
    """Copy a file of the module cache, which is read-only there and never executable."""
    shutil.copyfile(source, target)
    Path(target).chmod(0o755)
    return target
