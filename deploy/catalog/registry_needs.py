"""Cluster -> the charts and images of its registry."""

from __future__ import annotations

from deploy.catalog.entries import FileEntry, ImageEntry, load
from deploy.model import Cluster
from deploy.model.registry import CacheProvider, DatabaseProvider, RegistryProvider

HARBOR = ("nginx", "portal", "core", "jobservice", "registry", "registryctl")


def charts(cluster: Cluster) -> tuple[str, ...]:
    """Return the keys of the charts; the plain registry has none."""
    registry = cluster.registry
    if registry is None or registry.provider is RegistryProvider.DISTRIBUTION:
        return ()
    return (
        "harbor-chart",
        *(["cloudnative-pg-chart"] if registry.database.provider is DatabaseProvider.CLOUDNATIVE_PG else []),
        *(["valkey-chart"] if registry.cache.provider is CacheProvider.VALKEY else []),
    )


def images(cluster: Cluster) -> tuple[str, ...]:
    """Return the keys of the images."""
    registry = cluster.registry
    if registry is None:
        return ()
    if registry.provider is RegistryProvider.DISTRIBUTION:
        return ("registry",)
    database = {
        DatabaseProvider.INTERNAL: ("harbor-database",),
        DatabaseProvider.CLOUDNATIVE_PG: ("cloudnative-pg", "postgresql"),
        DatabaseProvider.EXTERNAL: (),
    }
    cache = {CacheProvider.INTERNAL: ("harbor-redis",), CacheProvider.VALKEY: ("valkey",)}
    return (
        *(f"harbor-{name}" for name in HARBOR),
        *database[registry.database.provider],
        *cache.get(registry.cache.provider, ()),
    )


def entries(cluster: Cluster) -> tuple[tuple[FileEntry, ...], tuple[ImageEntry, ...]]:
    """Return them as entries of the catalogue."""
    known = load()
    return tuple(map(known.chart, charts(cluster))), tuple(map(known.image, images(cluster)))
