"""Where the hosts fetch from: the addresses that each should reach."""

from __future__ import annotations

from urllib.parse import urlsplit

from checks.preflight import hub
from deploy import catalog
from deploy.model import Cluster


def urls(cluster: Cluster) -> tuple[str, ...]:
    """Return one address per server that hosts fetch from, and of models of the hub one of a file."""
    known = catalog.load().supports(cluster.kubernetes.version)
    needed = catalog.needed(cluster) if known else None
    files = [cluster.artifacts.mirror] if cluster.artifacts.mirror else _servers(needed)
    mirror = cluster.artifacts.registry_mirror
    registries = [f"{mirror}/v2/"] if mirror else _registries(cluster, needed)
    return tuple(dict.fromkeys([*(f"{url.rstrip('/')}/" for url in files), *registries, *hub.urls(cluster)]))


def sample(cluster: Cluster) -> str | None:
    """Return a large file of the mirror, to see how fast it comes; None without a mirror."""
    version, mirror = cluster.kubernetes.version, cluster.artifacts.mirror
    if mirror is None or not catalog.load().supports(version):
        return None
    kubelet = next(
        each for each in catalog.load().kubernetes_files(version) if each.key.startswith("kubelet@")
    )
    return catalog.pull_url(kubelet.url, mirror)


def _servers(needed: catalog.Needed | None) -> list[str]:
    split = [urlsplit(entry.url) for entry in needed.files] if needed else []
    return [f"{each.scheme}://{each.netloc}" for each in split]


def _registries(cluster: Cluster, needed: catalog.Needed | None) -> list[str]:
    """Return the registries but for the cluster's own, which an apply brings."""
    own = cluster.registry
    refs = [image.ref for image in needed.images] if needed else []
    return [f"https://{ref.partition('/')[0]}/v2/" for ref in refs if own is None or not own.holds(ref)]
