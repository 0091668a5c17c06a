"""Pinned charts on the host that speaks for the cluster, and pinned images in their values."""

from __future__ import annotations

from dataclasses import dataclass

from deploy import catalog, context
from deploy.catalog import LockedFile
from deploy.operations import artifacts
from deploy.operations.artifacts import Installed

CHARTS = "/var/lib/slipway/charts"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart's archive on the host, and what the lock file pins it to."""

    path: str
    locked: LockedFile


def fetched(name: str) -> Chart:
    """Fetch a chart of the catalogue, verified, and return where it lies."""
    locked = catalog.lock.load(context.lock_path()).file(name, "any")
    path = f"{CHARTS}/{name.removesuffix('-chart')}-{locked.version}.tgz"
    url = catalog.pull_url(locked.url, context.cluster().artifacts.mirror)
    item = Installed(url=url, sha256=locked.sha256, dest=path, mode="0644")
    artifacts.installed(name=f"Fetch the chart of {name.removesuffix('-chart')}", items=[item])
    return Chart(path, locked)


def image(name: str) -> dict[str, str]:
    """Return an image as charts want it: the repository, and a tag that carries the locked digest."""
    locked = catalog.lock.load(context.lock_path()).image(name)
    repository, _, tag = locked.ref.rpartition(":")
    return {"repository": repository, "tag": f"{tag}@{locked.digest}"}
