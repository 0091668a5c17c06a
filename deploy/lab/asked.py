"""What inventories ask for beyond a plain cluster; a lab makes it only then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from deploy.catalog import ImageEntry, Needed, needed
from deploy.errors import SlipwayError
from deploy.model import Cluster, load_cluster


def images(inventories: Iterable[Path]) -> tuple[ImageEntry, ...]:
    """Return the images that these inventories need, each once; Kubernetes' own follow from its versions."""
    found = (entry for _, needs in _understood(inventories) for entry in needs.images)
    return tuple(dict.fromkeys(entry for entry in found if "@" not in entry.key))


def versions(inventories: Iterable[Path]) -> tuple[str, ...]:
    """Return the versions of Kubernetes or k3s that these inventories name, each once."""
    return tuple(dict.fromkeys(cluster.kubernetes.version for cluster, _ in _understood(inventories)))


def _understood(inventories: Iterable[Path]) -> Iterator[tuple[Cluster, Needed]]:
    """Yield the clusters and what they need; a broken inventory is for `validate` to complain of."""
    for path in inventories:
        with suppress(SlipwayError):
            cluster = load_cluster(path, keys_exist=False)
            yield cluster, needed(cluster)
