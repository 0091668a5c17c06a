"""Cluster -> what it needs of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.catalog import gpu_needs, k3s, registry_needs, serving_needs, storage_needs
from deploy.catalog.entries import FileEntry, ImageEntry, load
from deploy.model import Cluster

RUNTIME = ("containerd", "runc", "cni-plugins", "helm")


@dataclass(frozen=True, slots=True)
class Needed:
    """The files (charts among them) and images of one cluster."""

    files: tuple[FileEntry, ...]
    images: tuple[ImageEntry, ...]


def needed(cluster: Cluster) -> Needed:
    """Return everything that an apply and a verify of this cluster fetch, for every architecture."""
    own = _k3s(cluster) if cluster.is_k3s else _kubeadm(cluster)
    balancer = _balancer() if cluster.load_balancer else Needed((), ())
    charts, images = registry_needs.entries(cluster)
    shared = dict.fromkeys([*storage_needs.images(cluster), *images, *serving_needs.images(cluster)])
    return Needed(
        (*own.files, *balancer.files, *gpu_needs.files(cluster), *charts),
        (*own.images, *balancer.images, *gpu_needs.images(cluster), *shared),
    )


def _kubeadm(cluster: Cluster) -> Needed:
    catalog, version = load(), cluster.kubernetes.version
    return Needed(
        files=(
            *catalog.kubernetes_files(version),
            *(entry for name in RUNTIME for entry in catalog.file(name)),
            catalog.chart("flannel-chart"),
        ),
        images=(
            *catalog.kubernetes_images(version),
            *(catalog.image(name) for name in ("flannel", "flannel-cni-plugin")),
        ),
    )


def _k3s(cluster: Cluster) -> Needed:
    """k3s is one file; its images are an archive of the same release. A verify runs agnhost on both ways."""
    catalog, version = load(), cluster.kubernetes.version
    agnhost = [image for image in catalog.kubernetes_images(version) if image.key.startswith("agnhost@")]
    return Needed((*k3s.files(version), *catalog.file("helm")), tuple(agnhost))


def _balancer() -> Needed:
    catalog = load()
    images = tuple(catalog.image(name) for name in ("metallb-controller", "metallb-speaker"))
    return Needed((catalog.chart("metallb-chart"),), images)
