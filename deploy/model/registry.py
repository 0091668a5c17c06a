"""The registry: what keeps images and models inside the cluster, and under which name."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated

from pydantic import Field

from deploy.model.forms import HOST, HOSTNAME, Name, Port, Size
from deploy.model.placement import Placement
from deploy.model.secret import SecretRef
from deploy.model.section import Section, setting
from deploy.model.values import Change

# the Service's place in the network of Services: below the band that others are given from (KEP-3070)
OFFSET = 20
OTHER_REGISTRY = "copy what it holds to another registry, and name that one"
OTHER_VOLUME = "back the volume up, delete it, and restore it into the one that is made anew"


class RegistryProvider(StrEnum):
    """What serves images: Harbor, with projects, accounts and a page; or the plain CNCF registry."""

    HARBOR = "harbor"
    DISTRIBUTION = "distribution"


class RegistryStorage(StrEnum):
    """Where layers lie: on a volume, or in the object store's bucket `registry`."""

    FILESYSTEM = "filesystem"
    S3 = "s3"


class RegistryExpose(StrEnum):
    """From where the registry is reached: from the hosts' network too, or from the cluster alone."""

    LOAD_BALANCER = "load-balancer"
    CLUSTER = "cluster"


class DatabaseProvider(StrEnum):
    """Who runs Harbor's database."""

    INTERNAL = "internal"
    CLOUDNATIVE_PG = "cloudnative-pg"
    EXTERNAL = "external"


class CacheProvider(StrEnum):
    """Who runs Harbor's cache."""

    INTERNAL = "internal"
    VALKEY = "valkey"
    EXTERNAL = "external"


class Database(Section):
    """Harbor's PostgreSQL: the chart's own, one by CloudNativePG, or one that is there already."""

    provider: DatabaseProvider = setting(
        Change.IMMUTABLE, "Who runs it.", instead=OTHER_VOLUME, default=DatabaseProvider.INTERNAL
    )
    size: Size = setting(Change.LIVE, "Its volume; it cannot be made smaller.", default="10Gi")
    storage_class: Name | None = setting(
        Change.IMMUTABLE, "The volume's class; left out, the default.", instead=OTHER_VOLUME, default=None
    )
    instances: Annotated[int, Field(strict=True, ge=1, le=5)] = setting(
        Change.ROLLING, "How many of them, with CloudNativePG.", default=1
    )
    placement: Placement = setting(Change.ROLLING, "Where it runs.", default=Placement())
    host: Annotated[str, Field(pattern=HOST)] | None = setting(
        Change.ROLLING, "Where an external one is.", default=None
    )
    port: Port = setting(Change.ROLLING, "The external one's port.", default=5432)
    user: Annotated[str, Field(min_length=1)] = setting(
        Change.ROLLING, "The external one's user.", default="harbor"
    )
    name: Annotated[str, Field(min_length=1)] = setting(
        Change.ROLLING, "The external one's database.", default="registry"
    )
    password: SecretRef | None = setting(Change.LIVE, "The external one's password.", default=None)


class Cache(Section):
    """Harbor's Redis: the chart's own, a Valkey, or one that is there already.

    None has a password: Harbor's chart would write it into ConfigMaps (templates/registry/registry-cm.yaml,
    core/core-cm.yaml of v1.19.1). A NetworkPolicy keeps others away from those that are made here.
    """

    provider: CacheProvider = setting(Change.ROLLING, "Who runs it.", default=CacheProvider.INTERNAL)
    placement: Placement = setting(Change.ROLLING, "Where it runs.", default=Placement())
    host: Annotated[str, Field(pattern=HOST)] | None = setting(
        Change.ROLLING, "Where an external one is, without a password.", default=None
    )
    port: Port = setting(Change.ROLLING, "The external one's port.", default=6379)


class Registry(Section):
    """The registry inside the cluster."""

    provider: RegistryProvider = setting(Change.IMMUTABLE, "What serves images.", instead=OTHER_REGISTRY)
    hostname: Annotated[str, Field(pattern=HOSTNAME)] = setting(
        Change.IMMUTABLE, "Its name, the first part of every image in it.", instead=OTHER_REGISTRY
    )
    storage: RegistryStorage = setting(
        Change.IMMUTABLE,
        "Where layers lie: filesystem or s3.",
        instead=OTHER_REGISTRY,
        default=RegistryStorage.FILESYSTEM,
    )
    size: Size = setting(Change.LIVE, "The volume of layers; it cannot be made smaller.", default="50Gi")
    storage_class: Name | None = setting(
        Change.IMMUTABLE, "The volumes' class; left out, the default.", instead=OTHER_VOLUME, default=None
    )
    placement: Placement = setting(Change.ROLLING, "Where it runs.", default=Placement())
    expose: RegistryExpose = setting(
        Change.LIVE,
        "From where it is reached beside the nodes and pods.",
        default=RegistryExpose.LOAD_BALANCER,
    )
    projects: Annotated[tuple[Name, ...], Field(min_length=1)] = setting(
        Change.LIVE,
        "Harbor's projects, which slipway's robot may push to; the plain registry has none.",
        default=("models",),
    )
    database: Database = setting(Change.ROLLING, "Harbor's database.", default=Database())
    cache: Cache = setting(Change.ROLLING, "Harbor's cache.", default=Cache())

    @property
    def user(self) -> str:
        """The account that pods pull and slipway pushes with."""
        return "robot$slipway" if self.provider is RegistryProvider.HARBOR else "slipway"

    def holds(self, ref: str) -> bool:
        """Say whether an image or a ModelKit with this reference lies in it."""
        return ref.partition("/")[0].partition(":")[0] == self.hostname


def address(service_cidr: IPv4Network) -> IPv4Address:
    """Return the registry's address among the Services: fixed, so that hosts know it before it is there."""
    return service_cidr.network_address + OFFSET
