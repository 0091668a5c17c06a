"""Where the hosts fetch from: the addresses that each should reach."""

from __future__ import annotations

from urllib.parse import urlsplit

from deploy import catalog
from deploy.model import Cluster


def urls(cluster: Cluster) -> tuple[str, ...]:
    """Return one address per server that an apply fetches from: the mirrors, or upstream's."""
    known = catalog.load().supports(cluster.kubernetes.version)
    needed = catalog.needed(cluster) if known else None
    files = [cluster.artifacts.mirror] if cluster.artifacts.mirror else _servers(needed)
    mirror = cluster.artifacts.registry_mirror
    registries = [f"{mirror}/v2/"] if mirror else _registries(needed)
    return tuple(dict.fromkeys([*(f"{url.rstrip('/')}/" for url in files), *registries]))


def _servers(needed: catalog.Needed | None) -> list[str]:
    split = [urlsplit(entry.url) for entry in needed.files] if needed else []
    return [f"{each.scheme}://{each.netloc}" for each in split]


def _registries(needed: catalog.Needed | None) -> list[str]:
    return [f"https://{image.ref.partition('/')[0]}/v2/" for image in needed.images] if needed else []
