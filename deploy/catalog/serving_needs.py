"""Cluster -> the images that fetch and serve its models."""

from __future__ import annotations

from deploy.catalog.entries import ImageEntry, load
from deploy.model import Cluster
from deploy.model.source import SourceKind

FETCHING = {SourceKind.MODELKIT: "kitops-init", SourceKind.S3: "rclone"}


def images(cluster: Cluster) -> tuple[ImageEntry, ...]:
    """Return them, each once; an image that a model names itself goes by the model's name."""
    known, found = load(), dict[str, ImageEntry]()
    for model in cluster.models:
        if (fetching := FETCHING.get(model.source.kind)) is not None:
            found[fetching] = known.image(fetching)
        key = model.image_key
        ref, _, digest = (model.image or "").partition("@")
        found[key] = ImageEntry(key, ref, digest or None) if ref else known.image(key)
    return tuple(found.values())
