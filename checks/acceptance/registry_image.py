"""An image of one small file, the same in every run, for a container runtime to pull; pure."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with their digest."""

    content: bytes

    @property
    def digest(self) -> str:
        """The digest, as registries write it."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    @property
    def size(self) -> int:
        """The number of bytes."""
        return len(self.content)


# the config of an artefact that is no image (OCI image specification, guidance for an empty descriptor)
EMPTY = Blob(b"{}")


@dataclass(frozen=True, slots=True)
class Image:
    """An image: what must be pushed, and the manifest that names it."""

    blobs: tuple[Blob, ...]
    manifest: str


def image(architecture: str) -> Image:
    """Return the image for one architecture; a runtime pulls none that is for another."""
    files = _layer()
    layer = Blob(gzip.compress(files, mtime=0))
    config = Blob(
        json.dumps(
            {
                "architecture": architecture,
                "os": "linux",
                "config": {"Entrypoint": ["/slipway-verify"]},
                "rootfs": {"type": "layers", "diff_ids": [Blob(files).digest]},
            },
            sort_keys=True,
        ).encode()
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": config.digest, "size": config.size},
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size}],
    }
    return Image((layer, config), json.dumps(manifest, sort_keys=True))


def _layer() -> bytes:
    """Return a layer with one file; no time in it, so that its digest never changes."""
    content = b"pulled by a verify\n"
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        entry = tarfile.TarInfo("slipway-verify")
        entry.size, entry.mode = len(content), 0o644
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()
