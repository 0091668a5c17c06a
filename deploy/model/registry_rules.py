"""What must hold between the values of an inventory about its registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deploy.model.cluster import Cluster
from deploy.model.mistake import Mistake, Place
from deploy.model.registry import (
    OFFSET,
    Cache,
    CacheProvider,
    Database,
    DatabaseProvider,
    Registry,
    RegistryExpose,
    RegistryProvider,
    RegistryStorage,
    address,
)

REGISTRY: Place = ("registry",)
BUCKET = "registry"
# of a /24 the 16 lowest addresses are left out of what Services are given without asking, of a /23 the
# 32 lowest (k8s.io/kubernetes pkg/registry/core/service/ipallocator, calculateRangeOffset)
NARROWEST = 23


def registry_has_a_store(cluster: Cluster) -> Iterator[Mistake]:
    """Layers go to a bucket only where there is an object store with that bucket."""
    registry, store = cluster.registry, cluster.object_store
    if registry is None or registry.storage is not RegistryStorage.S3:
        return
    place: Place = (*REGISTRY, "storage")
    if store is None:
        text = "s3 needs a store; declare object_store, or use filesystem"
        yield Mistake(place, text, involves=(("object_store",),))
    elif BUCKET not in store.buckets:
        text = f'the object store has no bucket "{BUCKET}"; add it to object_store.buckets'
        yield Mistake(place, text, involves=(("object_store", "buckets"),))


def registry_can_be_exposed(cluster: Cluster) -> Iterator[Mistake]:
    """An address of the hosts' network comes from a load balancer."""
    registry = cluster.registry
    if registry and registry.expose is RegistryExpose.LOAD_BALANCER and cluster.load_balancer is None:
        yield Mistake(
            (*REGISTRY, "expose"),
            "load-balancer needs addresses to give away; declare load_balancer, or use expose: cluster",
            involves=(("load_balancer",),),
        )


def registry_address_is_kept(cluster: Cluster) -> Iterator[Mistake]:
    """The registry's fixed address is one that no other Service is given."""
    network = cluster.kubernetes.service_cidr
    if cluster.registry and network.prefixlen > NARROWEST:
        yield Mistake(
            ("kubernetes", "service_cidr"),
            f"the registry has the address {address(network)}, number {OFFSET} of {network}, and of so narrow a"
            f" network other Services may be given it; wanted a /{NARROWEST} or wider",
            involves=(REGISTRY,),
        )


def harbor_settings_are_harbors(cluster: Cluster) -> Iterator[Mistake]:
    """What only Harbor reads is not said to the plain registry."""
    registry = cluster.registry
    if registry is None or registry.provider is RegistryProvider.HARBOR:
        return
    defaults = Registry(provider=registry.provider, hostname=registry.hostname)
    for key in ("projects", "database", "cache"):
        if getattr(registry, key) != getattr(defaults, key):
            text = "is read for registry.provider: harbor only; leave it out"
            yield Mistake((*REGISTRY, key), text, involves=((*REGISTRY, "provider"),))


def external_services_are_named(cluster: Cluster) -> Iterator[Mistake]:
    """A database or cache that is there already is named, and one that is made here is not."""
    registry = cluster.registry
    if registry is None:
        return
    database, cache = registry.database, registry.cache
    external = database.provider is DatabaseProvider.EXTERNAL
    yield from _named(database, "database", ("host", "password"), external=external)
    yield from _named(cache, "cache", ("host",), external=cache.provider is CacheProvider.EXTERNAL)


def _named(
    section: Database | Cache, name: str, keys: tuple[str, ...], *, external: bool
) -> Iterator[Mistake]:
    involves: tuple[Place, ...] = ((*REGISTRY, name, "provider"),)
    for key in keys:
        given = getattr(section, key) is not None
        if external and not given:
            yield Mistake((*REGISTRY, name, key), "missing; provider: external needs it", involves=involves)
        elif given and not external:
            text = f"is read for provider: external only, and it is {section.provider}; leave it out"
            yield Mistake((*REGISTRY, name, key), text, involves=involves)


REGISTRY_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    registry_has_a_store,
    registry_can_be_exposed,
    registry_address_is_kept,
    harbor_settings_are_harbors,
    external_services_are_named,
)
