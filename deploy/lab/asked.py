"""What inventories ask for beyond a plain cluster; a lab makes it only then."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deploy.catalog import ImageEntry, needed
from deploy.errors import SlipwayError
from deploy.model import load_cluster


def images(inventories: Iterable[Path]) -> tuple[ImageEntry, ...]:
    """Return the images that these inventories need, each once; Kubernetes' own follow from its versions."""
    found = (entry for path in inventories for entry in _of(path))
    return tuple(dict.fromkeys(entry for entry in found if "@" not in entry.key))


def _of(path: Path) -> tuple[ImageEntry, ...]:
    """Return one inventory's; a broken one is for `validate` to complain of."""
    try:
        return needed(load_cluster(path, keys_exist=False)).images
    except SlipwayError:
        return ()
