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
    RegistryExpose,
    RegistryProvider,
    RegistryStorage,
)
from deploy.model.storage_rules import unplaced, unread

REGISTRY: Place = ("registry",)
BUCKET = "registry"
# of a /24 the 16 lowest addresses are left out of what Services are given without asking, of a /23 the
# 32 lowest (k8s.io/kubernetes pkg/registry/core/service/ipallocator, calculateRangeOffset)
NARROWEST = 23
# what is said of a database that is made here, and of one that is there already
OF_A_DATABASE = ("size", "storage_class", "instances", "placement")
OF_ANOTHERS_DATABASE = ("host", "port", "user", "name", "password")


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
            f"the registry has address number {OFFSET} of {network}, and of so narrow a network other"
            f" Services may be given it; wanted a /{NARROWEST} or wider",
            involves=(REGISTRY,),
        )


def harbor_settings_are_harbors(cluster: Cluster) -> Iterator[Mistake]:
    """What only Harbor reads is not said to the plain registry."""
    registry = cluster.registry
    if registry and registry.provider is not RegistryProvider.HARBOR:
        text = "is read for registry.provider: harbor only; leave it out"
        yield from unread(registry, REGISTRY, ("projects", "database", "cache"), text)


def layers_in_a_bucket_have_no_volume(cluster: Cluster) -> Iterator[Mistake]:
    """Size and class are of a volume, and layers in the object store have none."""
    registry = cluster.registry
    if registry is None or registry.storage is not RegistryStorage.S3:
        return
    text = "is of the volume of layers, and with storage: s3 they lie in the object store; leave it out"
    yield from unread(registry, REGISTRY, ("size",), text, by="storage")
    # what else takes its class: the chart's own cache, and CloudNativePG's volume without one of its own
    database, cache = registry.database, registry.cache
    by_operator = database.provider is DatabaseProvider.CLOUDNATIVE_PG and database.storage_class is None
    others = registry.provider is RegistryProvider.HARBOR and (
        cache.provider is CacheProvider.INTERNAL or by_operator
    )
    if not others:
        text = "is of the registry's volumes, and as declared it has none of that class; leave it out"
        yield from unread(registry, REGISTRY, ("storage_class",), text, by="storage")


def external_services_are_named(cluster: Cluster) -> Iterator[Mistake]:
    """A database or cache that is there already is named, and one that is made here is not."""
    registry = cluster.registry
    if registry is None:
        return
    database, cache = registry.database, registry.cache
    if database.provider is DatabaseProvider.EXTERNAL:
        yield from _named(database, "database", ("host", "password"))
    if cache.provider is CacheProvider.EXTERNAL:
        yield from _named(cache, "cache", ("host",))
    for section, name, ours in ((database, "database", OF_A_DATABASE), (cache, "cache", ("placement",))):
        place, provider = (*REGISTRY, name), section.provider
        if provider.value == "external":
            text = "is of one that is made here, and with provider: external none is; leave it out"
            yield from unread(section, place, ours, text)
        else:
            theirs = OF_ANOTHERS_DATABASE if section is database else ("host", "port")
            text = f"is read for provider: external only, and it is {provider}; leave it out"
            yield from unread(section, place, theirs, text)
    if database.provider is DatabaseProvider.INTERNAL:
        text = "is read for provider: cloudnative-pg only; the chart's own database is one; leave it out"
        yield from unread(database, (*REGISTRY, "database"), ("instances",), text)


def _named(section: Database | Cache, name: str, keys: tuple[str, ...]) -> Iterator[Mistake]:
    for key in keys:
        if getattr(section, key) is None:
            text = "missing; provider: external needs it"
            yield Mistake((*REGISTRY, name, key), text, involves=((*REGISTRY, name, "provider"),))


def registry_is_placed(cluster: Cluster) -> Iterator[Mistake]:
    """Some node may run the registry, and each part of it that is placed apart."""
    registry = cluster.registry
    if registry:
        yield from unplaced(cluster, REGISTRY, registry.placement)
        yield from unplaced(cluster, (*REGISTRY, "database"), registry.database.placement)
        yield from unplaced(cluster, (*REGISTRY, "cache"), registry.cache.placement)


REGISTRY_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    registry_has_a_store,
    registry_can_be_exposed,
    registry_address_is_kept,
    harbor_settings_are_harbors,
    layers_in_a_bucket_have_no_volume,
    external_services_are_named,
    registry_is_placed,
)
