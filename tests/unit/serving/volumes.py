"""A volume of a model's files, and the scripts that fill it and look at it, run by a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deploy.steps.serving.populate import script

KEY = "0123456789ab"
WHOLE = {
    "config.json": "{}",
    "tokenizer.json": "{}",
    "model-1.safetensors": "weights",
    "model-2.safetensors": "more",
    "model.safetensors.index.json": '{"a": "model-1.safetensors", "b": "model-2.safetensors"}',
}


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


class Volume:
    """A volume, a source beside it, and who fetches from one into the other."""

    def __init__(self, path: Path) -> None:
        self.path, self.source, self.count = path / "volume", path / "source", path / "count"
        self.path.mkdir()
        lay(self.source, WHOLE)

    @property
    def files(self) -> Path:
        return self.path / KEY

    def fetch(self, command: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        copies = f'echo >>{self.count}; cp -r {self.source}/. "$WORK"'
        return self.run("populate", "sh", "-c", command or copies, **environment)

    def check(self, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        return self.run("check", FOLDER=str(folder or self.files), **environment)

    def fetched(self) -> int:
        return len(self.count.read_text().splitlines()) if self.count.exists() else 0

    def run(self, name: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts, with the arguments that it hands on."""
        own = {
            "PATH": os.environ["PATH"],
            "KEY": KEY,
            "VERSION": "1",
            "VOLUME": str(self.path),
            "NEED_KIB": "1",
        }
        return subprocess.run(
            ["/bin/sh", "-c", script(name), name, *words],
            env={**own, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
