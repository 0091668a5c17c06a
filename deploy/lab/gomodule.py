"""Building commands out of published Go modules. The texts are pure, `built` runs the compiler."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections import deque
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from deploy.lab.errors import LabError
from deploy.lab.places import FILES
from deploy.lab.progress import Note, Progress
from deploy.lab.recipes import Module
from deploy.lab.run import run
from deploy.lab.store import kept, key_of, sha256

SHOWN_LINES = 20
STUBS = FILES / "stubs"


def mod_text(module: Module, go: str, replaced: Mapping[str, str]) -> str:
    """Return the go.mod that a module's commands are built in."""
    stubs = {path: f"{_major(path)}.0.0" for path in module.stubs}
    required = {module.module: module.version, **module.requires, **stubs}
    return "\n".join(
        [
            "module lab",
            f"go {'.'.join(go.split('.')[:2])}.0",
            *(f"require {path} {version}" for path, version in sorted(required.items())),
            *(f"replace {path} => {target}" for path, target in sorted(replaced.items())),
            "",
        ]
    )


def _major(path: str) -> str:
    """Return the major version that a module's path ends with."""
    last = path.rpartition("/")[2]
    return last if re.fullmatch(r"v\d+", last) else "v0"


def tools_text(packages: Iterable[str]) -> str:
    """Return a file that makes `go mod tidy` keep what these packages need."""
    imports = "\n".join(f'import _ "{package}"' for package in sorted(packages))
    return f"//go:build tools\n\npackage lab\n\n{imports}\n"


def staging(mod: str, version: str) -> dict[str, str]:
    """Return, from Kubernetes' own go.mod, its staging modules as the published ones of that version."""
    published = f"v0.{version.removeprefix('v1.')}"
    return {path: f"{path} {published}" for path in re.findall(r"^\s*(k8s\.io/\S+) => \./staging", mod, re.M)}


def ldflags(module: Module) -> str:
    """Return what the linker is told: no symbols, the version, and for cgo no shared libraries."""
    variables = [f"-X {name}={value}" for name, value in sorted(module.variables.items())]
    static = ["-linkmode external", "-extldflags -static"] if module.static else []
    return " ".join(["-s -w", *variables, *static])


def output_name(package: str) -> str:
    """Return what `go build` calls the binary of a package: its last element that is no major version."""
    *before, last = package.split("/")
    return before[-1] if re.fullmatch(r"v\d+", last) else last


def built(name: str, module: Module, go: str, wanted: str, progress: Progress) -> Path:
    """Return the folder with a recipe's binaries, built where it is missing."""
    title = f"{name} {module.version}"
    if module.folder:
        return _own(name, module, FILES / module.folder, go, wanted, progress)
    stubs: dict[str, JsonValue] = {str(path.relative_to(STUBS)): sha256(path) for path in _stub_files(module)}
    mod_key = key_of(module.model_dump(mode="json"), wanted, stubs)

    def tidy(folder: Path) -> None:
        with progress.item(f"{title}: modules"):
            _tidied(folder, module, go, wanted)

    where = kept(f"modules-{name}", mod_key, tidy)

    def compiled(folder: Path) -> None:
        with progress.item(title) as note:
            _compiled(folder, where, module, go, note)

    return kept(f"built-{name}", key_of(mod_key, sha256(where / "go.sum"), ldflags(module)), compiled)


def _own(name: str, module: Module, where: Path, go: str, wanted: str, progress: Progress) -> Path:
    """Build a module of slipway's own, again whenever its source changes."""
    files = sorted([*where.glob("*.go"), where / "go.mod", where / "go.sum"])
    sources: dict[str, JsonValue] = {path.name: sha256(path) for path in files}

    def compiled(folder: Path) -> None:
        with progress.item(name) as note:
            _compiled(folder, where, module, go, note)

    return kept(f"built-{name}", key_of(wanted, sources, ldflags(module)), compiled)


def environment(module: Module) -> dict[str, str]:
    """Return the environment of the compiler: nothing of the user's own Go settings but where it caches."""
    return {**os.environ, "CGO_ENABLED": str(int(module.static)), "GOFLAGS": "", "GOWORK": "off",
            "GOTOOLCHAIN": "local"}  # fmt: skip


def source(module: Module, go: str) -> Path:
    """Return the folder of a module's source in the module cache."""
    return _downloaded(module.module, module.version, module, go)


def required(path: str, module: Module, go: str) -> Path:
    """Return the folder of the source of a module that this one requires, at that version."""
    found = re.search(
        rf"^\s*(?:require )?{re.escape(path)} (\S+)", (source(module, go) / "go.mod").read_text(), re.M
    )
    if found is None:
        raise LabError(f"{module.module} {module.version} does not require {path}")
    return _downloaded(path, found[1], module, go)


def _downloaded(path: str, version: str, module: Module, go: str) -> Path:
    download = [go, "mod", "download", "-json", f"{path}@{version}"]
    return Path(json.loads(run(download, cwd=Path("/"), env=environment(module)).stdout)["Dir"])


def _tidied(folder: Path, module: Module, go: str, wanted: str) -> None:
    replaced = {path: by if " " in by else f"{path} {by}" for path, by in module.replaces.items()}
    for path, stub in module.stubs.items():
        if not (STUBS / stub / "go.mod").exists():
            _without(STUBS / stub, required(path, module, go), folder / stub)
        shutil.copytree(STUBS / stub, folder / stub, dirs_exist_ok=True)
        replaced[path] = f"./{stub}"
    if module.staging:
        replaced |= staging((source(module, go) / "go.mod").read_text(), module.version)
    (folder / "go.mod").write_text(mod_text(module, wanted, replaced))
    (folder / "tools.go").write_text(tools_text(module.commands.values()))
    run([go, "mod", "tidy"], cwd=folder, env=environment(module))


def _without(stub: Path, whole: Path, to: Path) -> None:
    """Copy a module without the folders, and all below them, that a stub has Go files in."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(whole, to, copy_function=shutil.copyfile)
    for path in (to, *to.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)  # in the module cache they are read-only
    for file in stub.rglob("*.go"):
        shutil.rmtree(to / file.parent.relative_to(stub))


def _compiled(folder: Path, where: Path, module: Module, go: str, note: Note) -> None:
    command = [
        go,
        "build",
        "-v",
        "-trimpath",
        "-buildvcs=false",
        f"-tags={','.join(module.tags)}",
        f"-ldflags={ldflags(module)}",
    ]
    packages = sorted(module.commands.values())
    with subprocess.Popen(
        [*command, "-o", f"{folder}/", *packages],
        cwd=where,
        env=environment(module),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as compiler:
        said = deque[str](maxlen=SHOWN_LINES)
        for count, line in enumerate(compiler.stderr or (), start=1):
            said.append(line.rstrip())
            note(f"{count} packages, {line.strip()[-50:]}")
    if compiler.returncode:
        shown = "\n".join(f"    {line}" for line in said)
        raise LabError(f"{module.module} {module.version} could not be built:\n{shown}")
    for binary, package in module.commands.items():
        (folder / output_name(package)).rename(folder / binary)


def _stub_files(module: Module) -> list[Path]:
    folders = [STUBS / stub for stub in module.stubs.values()]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
