"""What can be installed, where it comes from, and what an inventory's lock file pins."""

from deploy.catalog import lock
from deploy.catalog.entries import Catalog, FileEntry, ImageEntry, load, pull_url
from deploy.catalog.lock import Lock, LockedFile, LockedImage, LockError
from deploy.catalog.needs import Needed, needed

__all__ = [
    "Catalog",
    "FileEntry",
    "ImageEntry",
    "Lock",
    "LockError",
    "LockedFile",
    "LockedImage",
    "Needed",
    "load",
    "lock",
    "needed",
    "pull_url",
]
