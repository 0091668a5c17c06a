"""Python distributions as an image layer: fetched as wheels, trimmed, compiled, tried before they stay."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import JsonValue

from deploy.lab import stubs
from deploy.lab.archive import tree, write_tar
from deploy.lab.places import FILES
from deploy.lab.progress import Progress
from deploy.lab.recipes import Python
from deploy.lab.run import run
from deploy.lab.store import kept, key_of, sha256

FORMAT = 1
"""Part of every key; raised when a layer comes out differently from the same recipe."""
GLIBC = 36
"""Debian bookworm's is 2.36: wheels for it and for older ones run."""
ALONE = """
set -e
root=$1
shift
for each in dev proc; do mount --rbind "/$each" "$root/$each"; done
exec chroot "$root" "$@"
"""
"""Runs in a mount namespace of its own, so that the mounts end with it."""


def layer(name: str, recipe: Python, onto: Sequence[Path], progress: Progress) -> Path:
    """Return a layer's tar, made where it is missing."""
    below: list[JsonValue] = [path.parent.name for path in onto]
    key = key_of(FORMAT, recipe.model_dump(mode="json"), sha256(FILES / recipe.pins), below)

    def make(folder: Path) -> None:
        root = folder / "root"
        shutil.rmtree(root, ignore_errors=True)
        site = root / place(recipe).lstrip("/")
        with progress.item(f"layer {name}: packages"):
            run(fetch(recipe, site))
        with progress.item(f"layer {name}"):
            _unpacked(root, onto)
            _finished(root, site, recipe)
            with (folder / "layer.tar").open("wb") as out:
                write_tar(out, tree(site, f"{place(recipe).lstrip('/')}/"))
            shutil.rmtree(root)

    return kept(f"python-{name}", key, make) / "layer.tar"


def place(recipe: Python) -> str:
    """Return where Debian's python looks for what is not Debian's."""
    return f"/usr/local/lib/python{recipe.version}/dist-packages"


def fetch(recipe: Python, site: Path) -> list[str]:
    """Return what fetches every pinned distribution as a wheel for the image, whatever Python runs here."""
    tags = [f"manylinux_2_{minor}_x86_64" for minor in range(GLIBC, 4, -1)]
    tags += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64", "linux_x86_64"]
    platforms = [f"--platform={tag}" for tag in tags]
    image = [f"--python-version={recipe.version}", "--implementation=cp", *platforms]
    quiet = ["--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    alone = ["--no-deps", "--no-compile", "--only-binary=:all:", f"--target={site}"]
    return [
        sys.executable,
        "-m",
        "pip",
        "install",
        *quiet,
        *alone,
        *image,
        f"--requirement={FILES / recipe.pins}",
    ]


def _unpacked(root: Path, onto: Iterable[Path]) -> None:
    for each in onto:
        run(["tar", "--extract", f"--file={each}", f"--directory={root}"])
    for name in ("dev", "proc"):
        (root / name).mkdir(exist_ok=True)


def _finished(root: Path, site: Path, recipe: Python) -> None:
    for alias, version in recipe.aliases.items():
        known = site / f"{alias}-{version}.dist-info"
        known.mkdir()
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {alias}\nVersion: {version}\n")
    for path in _matching(site, recipe.dropped):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if stripped := _matching(site, recipe.stripped):
        run(["strip", "--strip-unneeded", *map(str, stripped)])
    _stubbed(root, site, recipe)
    python = [*inside(root), f"/usr/bin/python{recipe.version}"]
    # a layer's files have no time, so what is compiled must not be compared with its source;
    # a package may ship files for another Python, which do not compile
    compiled = ["-m", "compileall", "-q", "-j2", "--invalidation-mode=unchecked-hash", place(recipe)]
    run([*python, *compiled], check=False)
    run([*python, "-c", recipe.imports])


def _matching(site: Path, patterns: Iterable[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(site.glob(pattern))]


def inside(root: Path) -> list[str]:
    """Return what runs a program in an image's root file system."""
    return ["unshare", "--mount", "sh", "-c", ALONE, "sh", str(root)]


def _stubbed(root: Path, site: Path, recipe: Python) -> None:
    for path in _matching(site, [f"**/{name}" for name in recipe.stubbed]):
        path.unlink()
    libraries = [path for path in root.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    wanted = stubs.missing(map(stubs.read, filter(_is_elf, libraries)), recipe.stubbed)
    stubs.built(site / "torch/lib", wanted, recipe.answering)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"
