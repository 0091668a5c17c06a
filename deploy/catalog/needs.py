"""Cluster -> what it needs of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.catalog.entries import FileEntry, ImageEntry, load
from deploy.errors import InventoryError
from deploy.model import Cluster, Distribution

RUNTIME = ("containerd", "runc", "cni-plugins", "helm")


@dataclass(frozen=True, slots=True)
class Needed:
    """The files (charts among them) and images of one cluster."""

    files: tuple[FileEntry, ...]
    images: tuple[ImageEntry, ...]


def needed(cluster: Cluster) -> Needed:
    """Return everything that an apply and a verify of this cluster fetch, for every architecture."""
    catalog = load()
    if cluster.kubernetes.distribution is Distribution.K3S:
        raise InventoryError(
            "kubernetes.distribution is k3s; the catalogue knows kubeadm's files only so far"
        )
    charts = ["flannel-chart", *(["metallb-chart"] if cluster.load_balancer else [])]
    images = [
        "flannel",
        "flannel-cni-plugin",
        *(["metallb-controller", "metallb-speaker"] if cluster.load_balancer else []),
    ]
    version = cluster.kubernetes.version
    return Needed(
        files=(
            *catalog.kubernetes_files(version),
            *(entry for name in RUNTIME for entry in catalog.file(name)),
            *(catalog.chart(name) for name in charts),
        ),
        images=(*catalog.kubernetes_images(version), *(catalog.image(name) for name in images)),
    )
