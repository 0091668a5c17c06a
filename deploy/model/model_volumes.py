"""What a model that is fetched asks of its volume."""

from __future__ import annotations

import math

from deploy.model.cluster import Cluster
from deploy.model.serving import Model
from deploy.model.sizes import in_bytes
from deploy.model.storage import LOCAL_CLASS, NFS_CLASS, LocalVolume, NfsVolume

# a ModelKit lies there as it was pulled until its files are unpacked beside it
ROOM = 2.2


def room(model: Model) -> int:
    """Return how many bytes must be free to fetch a model."""
    return math.ceil(ROOM * in_bytes(model.weights))


def is_shared(model: Model) -> bool:
    """Say whether pods on several nodes can use a model's volume."""
    return model.shared_volume or model.storage_class == NFS_CLASS


def declared(cluster: Cluster, model: Model) -> dict[str, str]:
    """Return the sizes of the declared volumes of a model's class, by name."""
    volumes: dict[str, tuple[NfsVolume, ...] | tuple[LocalVolume, ...]] = {}
    if cluster.storage:
        volumes = {NFS_CLASS: cluster.storage.nfs, LOCAL_CLASS: cluster.storage.volumes}
    return {each.name: each.size for each in volumes.get(model.storage_class or "", ())}
