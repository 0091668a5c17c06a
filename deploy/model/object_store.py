"""S3: a store in the cluster, or one that is there already."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from deploy.model.forms import BUCKET, IMAGE, URL, Name, Size
from deploy.model.placement import Placement
from deploy.model.secret import SecretRef
from deploy.model.section import Section, setting
from deploy.model.values import Change

IN_CLUSTER = "https://minio.object-store.svc:9000"
OTHER_STORE = "declare the new store under `external` beside the old one, copy the buckets, then switch"


class StoreProvider(StrEnum):
    """What speaks S3."""

    MINIO = "minio"
    EXTERNAL = "external"


class Credentials(Section):
    """What a user of an external store is known by."""

    access_key: SecretRef = setting(Change.ROLLING, "Where its access key is found.")
    secret_key: SecretRef = setting(Change.ROLLING, "Where its secret key is found.")


class ObjectStore(Section):
    """The object store. No bucket, object or volume is ever deleted."""

    provider: StoreProvider = setting(
        Change.IMMUTABLE, "What speaks S3.", instead=OTHER_STORE, default=StoreProvider.MINIO
    )
    size: Size = setting(Change.LIVE, "How much it may hold; it cannot be made smaller.", default="100Gi")
    storage_class: Name | None = setting(
        Change.IMMUTABLE,
        "The class of its volume; left out, the default one.",
        instead=OTHER_STORE,
        default=None,
    )
    buckets: tuple[Annotated[str, Field(pattern=BUCKET)], ...] = setting(
        Change.LIVE, "The buckets that must be there.", default=()
    )
    image: Annotated[str, Field(pattern=IMAGE)] | None = setting(
        Change.ROLLING, "An image in place of the pinned one, best with its digest.", default=None
    )
    placement: Placement = setting(Change.ROLLING, "The nodes it may run on.", default=Placement())
    endpoint: Annotated[str, Field(pattern=URL)] | None = setting(
        Change.LIVE, "External: the store's URL.", default=None
    )
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] = setting(
        Change.LIVE, "External: the region that requests are signed for.", default="us-east-1"
    )
    credentials: Credentials | None = setting(
        Change.ROLLING, "External: a user with rights on the buckets.", default=None
    )
    ca: Annotated[str, Field(min_length=1)] | None = setting(
        Change.ROLLING,
        "External: the CA that signed its certificate, a PEM file from the inventory's directory.",
        default=None,
    )

    @property
    def url(self) -> str:
        """Where pods reach it; addressed by path, not by host names of buckets."""
        return self.endpoint or IN_CLUSTER

    @property
    def is_external(self) -> bool:
        """Say whether it is somebody else's."""
        return self.provider is StoreProvider.EXTERNAL
