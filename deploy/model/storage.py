"""Volumes for pods: the default class on the nodes' own disks, big local volumes, shared ones by NFS."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from deploy.model.forms import FOLDER, HOST, Name, Size, Switch
from deploy.model.section import Section, setting
from deploy.model.values import Change

LOCAL_PATH_CLASS = "local-path"
LOCAL_CLASS = "slipway-local"
NFS_CLASS = "slipway-nfs"
NEW_VOLUME = "declare another volume beside it and move the data there"
Folder = Annotated[str, Field(pattern=FOLDER)]


class StorageProvider(StrEnum):
    """What makes volumes for claims."""

    LOCAL_PATH = "local-path"


class LocalVolume(Section):
    """A folder or a mounted disk of one node, as a volume of class slipway-local."""

    name: Name = setting(Change.LIVE, "The volume's name, by which a claim asks for it.")
    node: Name = setting(Change.LIVE, "The node that has it.")
    path: Folder = setting(Change.LIVE, "Where it is on the node; made when it is missing.")
    size: Size = setting(Change.LIVE, "How much it holds; a claim may ask for no more.")


class NfsVolume(Section):
    """An NFS export, as a volume of class slipway-nfs that pods on all nodes share."""

    name: Name = setting(Change.LIVE, "The volume's name, by which a claim asks for it.")
    server: Annotated[str, Field(pattern=HOST)] = setting(Change.LIVE, "The server's address or name.")
    path: Folder = setting(Change.LIVE, "What it exports.")
    size: Size = setting(Change.LIVE, "How much a claim may ask for; NFS itself holds nobody to it.")


class Storage(Section):
    """Where pods' volumes come from. No volume is ever deleted, moved or made smaller."""

    provider: StorageProvider = setting(
        Change.LIVE, "What makes volumes for claims.", default=StorageProvider.LOCAL_PATH
    )
    path: Folder = setting(
        Change.LIVE,
        "Where volumes lie on every node; a change is for new ones only, the others stay where they are.",
        default="/var/lib/slipway/volumes",
    )
    default: Switch = setting(
        Change.LIVE, "Whether claims without a class get a volume of this one.", default=True
    )
    volumes: tuple[LocalVolume, ...] = setting(
        Change.LIVE, "Folders or disks of single nodes, as for big models.", default=()
    )
    nfs: tuple[NfsVolume, ...] = setting(Change.LIVE, "Exports that several nodes share.", default=())
