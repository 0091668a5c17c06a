"""The tiny model as a ModelKit in the lab's registry, for whatever fetches models from one."""

from __future__ import annotations

from pathlib import Path

from pydantic import JsonValue

from deploy.lab import oci, tiny
from deploy.lab.archive import Entry, write_tar
from deploy.lab.oci import Blob
from deploy.lab.progress import Progress
from deploy.lab.store import kept, key_of, sha256

REF = "ghcr.io/slipway-lab/models/tiny:v1"
# kitops-ml/kitops pkg/lib/constants/mediatype: artifacttype.go, kitops.go
TYPE = "application/vnd.kitops.modelkit.manifest.v1+json"
CONFIG = "application/vnd.kitops.modelkit.config.v1+json"
WEIGHTS = "model.safetensors"
FORMAT = 1
"""Part of the key; raised when the artefact comes out differently from the same model."""


def published(root: Path, progress: Progress) -> None:
    """Put the ModelKit where a registry looks for it below `root`."""
    folder = made(progress)
    layers = [Blob(f"sha256:{sha256(path)}", path) for path in sorted(folder.glob("*.tar"))]
    oci.published(root, REF, oci.blob(folder / "manifest.json"), [oci.blob(folder / "config.json"), *layers])


def made(progress: Progress) -> Path:
    """Return the folder with the ModelKit's manifest, configuration and layers, made where it is missing."""

    def make(folder: Path) -> None:
        with progress.item("model tiny"):
            layers = [_layer(folder, name, content) for name, content in sorted(tiny.files().items())]
            (folder / "config.json").write_bytes(oci.text(kitfile()))
            configuration = oci.blob(folder / "config.json").descriptor(CONFIG)
            (folder / "manifest.json").write_bytes(oci.text(manifest(configuration, layers)))

    return kept("model-tiny", key_of(FORMAT, sha256(Path(tiny.__file__))), make)


def media_type(name: str) -> str:
    """Return the type of the layer of a model's file: its weights, or a part that goes with them."""
    return f"application/vnd.kitops.modelkit.{'model' if name == WEIGHTS else 'modelpart'}.v1.tar"


def kitfile() -> dict[str, JsonValue]:
    """Return the Kitfile."""
    parts: list[JsonValue] = [{"path": name} for name in sorted({*tiny.NAMES} - {WEIGHTS})]
    return {
        "manifestVersion": "1.0.0",
        "package": {"name": "tiny", "version": "1", "description": "random weights, for slipway's lab"},
        "model": {"name": "tiny", "path": WEIGHTS, "parts": parts},
    }


def manifest(configuration: JsonValue, layers: list[JsonValue]) -> dict[str, JsonValue]:
    """Return the ModelKit's manifest."""
    return {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "artifactType": TYPE,
        "config": configuration,
        "layers": layers,
    }


def _layer(folder: Path, name: str, content: bytes) -> JsonValue:
    path = folder / f"{name}.tar"
    with path.open("wb") as out:
        write_tar(out, [Entry(name, content)])
    return oci.blob(path).descriptor(media_type(name))
