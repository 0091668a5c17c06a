"""OCI images, and the folder a registry serves them from; nothing but their content decides the digests.

Layers stay uncompressed: they cross one machine's bridge only, and its two cores have better to do.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from deploy.lab.recipes import Image
from deploy.lab.store import sha256

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest, `sha256:...`."""

    digest: str
    path: Path

    def descriptor(self, media_type: str) -> dict[str, JsonValue]:
        """Return how a manifest names this blob."""
        return {"mediaType": media_type, "digest": self.digest, "size": self.path.stat().st_size}


def blob(path: Path) -> Blob:
    """Return a file as a blob."""
    return Blob(f"sha256:{sha256(path)}", path)


def config(image: Image, layers: Sequence[Blob]) -> bytes:
    """Return an image's configuration; an uncompressed layer's digest is its diff id too."""
    environment = [f"{name}={value}" for name, value in image.environment.items()]
    run: dict[str, JsonValue] = {"Env": [PATH, *environment]}
    if image.entrypoint:
        run["Entrypoint"] = list(image.entrypoint)
    if image.command:
        run["Cmd"] = list(image.command)
    if image.user:
        run["User"] = image.user
    if image.workdir:
        run["WorkingDir"] = image.workdir
    return text(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": run,
            "rootfs": {"type": "layers", "diff_ids": [each.digest for each in layers]},
        }
    )


def manifest(
    configuration: Blob, layers: Sequence[Blob], config_type: str = CONFIG, layer_type: str = LAYER
) -> bytes:
    """Return an image's manifest, or that of something else by its types; its digest is the image's."""
    return text(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": configuration.descriptor(config_type),
            "layers": [each.descriptor(layer_type) for each in layers],
        }
    )


def repository(ref: str) -> tuple[str, str]:
    """Return repository and tag of a reference, without the registry's host.

    registry.k8s.io/coredns/coredns:v1.14.2 is (coredns/coredns, v1.14.2): one registry stands in for all.
    """
    name, _, tag = ref.partition("/")[2].rpartition(":")
    return name, tag


def published(root: Path, ref: str, top: Blob, parts: Sequence[Blob]) -> None:
    """Put an image where distribution's registry looks for it below `root` (its filesystem driver)."""
    name, tag = repository(ref)
    for each in (top, *parts):
        _link(each.path, root / "blobs/sha256" / _hex(each)[:2] / _hex(each) / "data")
    for path, target in _links(name, tag, top, parts):
        _write(root / "repositories" / path / "link", target.digest)


def _links(name: str, tag: str, top: Blob, parts: Sequence[Blob]) -> Iterator[tuple[str, Blob]]:
    yield f"{name}/_manifests/revisions/sha256/{_hex(top)}", top
    yield from ((f"{name}/_layers/sha256/{_hex(each)}", each) for each in parts)
    yield f"{name}/_manifests/tags/{tag}/index/sha256/{_hex(top)}", top
    yield f"{name}/_manifests/tags/{tag}/current", top


def _hex(each: Blob) -> str:
    return each.digest.removeprefix("sha256:")


def text(value: JsonValue) -> bytes:
    """Return JSON that follows from the value alone."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    """Return the digest of content in memory."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name("link.part")
    part.write_text(text)
    part.replace(path)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)
