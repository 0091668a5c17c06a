"""Volumes for pods: folders on the hosts, then the classes and the volumes that the API knows."""

from __future__ import annotations

from pyinfra.api import deploy

from deploy import catalog, context
from deploy.operations import folders, kube, packages
from deploy.steps.storage import declared, local_path

PHASE = "storage"


@deploy("Folders of volumes")
def volumes() -> None:
    """Make the folders that volumes lie in, and let the host mount NFS where some are there."""
    cluster = context.cluster()
    if cluster.storage is None:
        return
    if wanted := cluster.folders(context.node()):
        folders.present(name="Make the folders of volumes", paths=wanted)
    if cluster.storage.nfs:
        packages.installed(name="Install what mounts NFS", names=["nfs-common"])


@deploy("Storage")
def storage() -> None:
    """Install what makes volumes, and declare those that are there already."""
    cluster = context.cluster()
    if cluster.storage is None or not context.speaks():
        return
    lock = catalog.lock.load(context.lock_path())
    images = {name: lock.image(name).pinned for name in local_path.IMAGES}
    objects = [*local_path.objects(cluster.storage, images), *declared.objects(cluster.storage)]
    kube.applied(
        name="Install local-path-provisioner, declare volumes",
        objects=objects,
        until=PHASE,
    )
    kube.rolled_out(
        name="Wait for local-path-provisioner",
        namespace=local_path.NAMESPACE,
        workloads=[f"deployment/{local_path.NAME}"],
        until=PHASE,
    )
