"""Images as one archive that a containerd imports, each under its own name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.lab import oci
from deploy.lab.archive import Entry, tgz

if TYPE_CHECKING:
    from deploy.lab.workshop import MadeImage


def archive(path: Path, images: Sequence[MadeImage]) -> None:
    """Write an OCI image layout (image-spec, image-layout.md) with containerd's annotation of the name."""
    index = {"schemaVersion": 2, "manifests": [_named(image) for image in images]}
    blobs = {
        blob.digest: Entry(f"blobs/sha256/{blob.digest.removeprefix('sha256:')}", blob.path)
        for image in images
        for blob in (image.manifest, *image.parts)
    }
    layout = Entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
    tgz(path, [layout, Entry("index.json", json.dumps(index).encode()), *blobs.values()])


def _named(image: MadeImage) -> dict[str, object]:
    return {
        **image.manifest.descriptor(oci.MANIFEST),
        "annotations": {"io.containerd.image.name": image.entry.ref},
    }
