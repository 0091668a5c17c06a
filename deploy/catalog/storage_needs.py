"""Cluster -> the images of its volumes and of its object store."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.catalog.entries import ImageEntry, load
from deploy.model import Cluster, StoreProvider

VOLUMES = ("local-path-provisioner", "busybox")
PROBE = "rclone"
# of each store in the cluster: its server, and what makes its buckets
STORE = {StoreProvider.MINIO: ("minio", "mc"), StoreProvider.SEAWEEDFS: ("seaweedfs", PROBE)}


def images(cluster: Cluster) -> tuple[ImageEntry, ...]:
    """Return what an apply and a verify run; an image that the inventory names itself is not among them."""
    return tuple(load().image(name) for name in _names(cluster))


def _names(cluster: Cluster) -> Iterator[str]:
    if cluster.storage:
        yield from VOLUMES
    if store := cluster.object_store:
        server, client = STORE.get(store.provider, ("", PROBE))
        if server and store.image is None:
            yield server
        yield from dict.fromkeys((client, PROBE))
