"""Where a model's files come from, and by what right they are fetched."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from deploy.model.forms import FOLDER, MODELKIT, OBJECT_PREFIX, PART, REPOSITORY, REVISION, Name
from deploy.model.secret import SecretRef
from deploy.model.section import Section, setting
from deploy.model.values import Change


class SourceKind(StrEnum):
    """Where weights come from."""

    MODELKIT = "modelkit"
    S3 = "s3"
    HUB = "hub"
    PVC = "pvc"
    HOST_PATH = "host_path"


# those whose files come into a volume that is made for them
FETCHED = (SourceKind.MODELKIT, SourceKind.S3, SourceKind.HUB)


class Account(Section):
    """Whom a registry of others knows."""

    username: Annotated[str, Field(pattern=r"^[^\s:]+$")] = setting(Change.LIVE, "The account's name.")
    password: SecretRef = setting(Change.LIVE, "Where its password or access token is found.")


class Source(Section):
    """Where a model's files come from: one of modelkit, s3, hub, pvc, host_path; {version} is filled in."""

    modelkit: Annotated[str, Field(pattern=MODELKIT)] | None = setting(
        Change.ROLLING,
        "A ModelKit in a registry, best with its digest; all of it is pulled, and its model unpacked.",
        default=None,
    )
    credentials: Account | None = setting(
        Change.LIVE,
        "ModelKit: an account that may pull it; the cluster's own registry needs none here.",
        default=None,
    )
    ca: Annotated[str, Field(min_length=1)] | None = setting(
        Change.LIVE,
        "ModelKit: the CA that signed its registry's certificate, a PEM file from the inventory's directory.",
        default=None,
    )
    s3: Annotated[str, Field(pattern=OBJECT_PREFIX)] | None = setting(
        Change.ROLLING, "A prefix in the object store, as s3://BUCKET/PREFIX.", default=None
    )
    hub: Annotated[str, Field(pattern=REPOSITORY)] | None = setting(
        Change.ROLLING, "A repository of the Hugging Face hub, as ORGANISATION/NAME.", default=None
    )
    revision: Annotated[str, Field(pattern=REVISION)] | None = setting(
        Change.ROLLING, "Hub: the commit, of 40 hexadecimal digits.", default=None
    )
    include: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)] | None = setting(
        Change.ROLLING,
        "Hub: patterns of the files to fetch, such as *.json; left out, all but weights in formats and"
        " folders that vLLM does not read.",
        default=None,
    )
    token: SecretRef | None = setting(Change.ROLLING, "Hub: where the access token is found.", default=None)
    pvc: Name | None = setting(
        Change.ROLLING,
        "A claim in the namespace models that holds the files already, readable for user 65532 or for one of"
        " models[].groups; what it holds is left as it is.",
        default=None,
    )
    path: Annotated[str, Field(pattern=PART)] | None = setting(
        Change.ROLLING, "Claim: the folder in it; left out, its root.", default=None
    )
    host_path: Annotated[str, Field(pattern=FOLDER)] | None = setting(
        Change.ROLLING, "A folder of one node that holds the files already.", default=None
    )
    node: Name | None = setting(Change.ROLLING, "Folder: the node that has it.", default=None)

    @property
    def kinds(self) -> tuple[SourceKind, ...]:
        """The kinds that are given; a valid source has one."""
        return tuple(kind for kind in SourceKind if getattr(self, kind.value) is not None)

    @property
    def kind(self) -> SourceKind:
        """The kind of a valid source."""
        return self.kinds[0]
