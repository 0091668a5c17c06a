"""Run the container runtime with our configuration."""

from __future__ import annotations

from urllib.parse import urlsplit

from pyinfra.api import deploy

from deploy import catalog, context, render
from deploy.catalog import gpu_needs
from deploy.model import Cluster, Node
from deploy.model.row import Disturbs
from deploy.operations import files, units
from deploy.operations.files import File
from deploy.operations.units import Unit

BINARY = "/usr/local/bin/containerd"
CONFIG = "/etc/containerd/config.toml"
CERTS = "/etc/containerd/certs.d"
MARK = b"# Written by slipway"
# where the images of a registry are really served (containerd, docs/hosts.md)
SERVERS = {"docker.io": "https://registry-1.docker.io"}


def hosts_file(registry: str) -> str:
    """Return the file that says where the images of a registry are pulled from."""
    return f"{CERTS}/{registry}/hosts.toml"


def config(cluster: Cluster, node: Node, pause: str) -> File:
    """Return containerd's configuration; `pause` is the image that the Kubernetes version expects."""
    content = render.template(
        "containerd/config.toml.j2",
        pause=pause,
        restrict_oom_score_adj=cluster.containerd.restrict_oom_score_adj,
        owned_by_user=any(gpus.closed_to_users for gpus in node.gpus),
    )
    return File(CONFIG, content)


def mirrors(cluster: Cluster) -> list[File]:
    """Return what sends pulls to the mirror first; containerd reads these at every pull."""
    mirror = cluster.artifacts.registry_mirror
    if mirror is None:
        return []
    return [
        File(
            hosts_file(registry),
            render.template(
                "containerd/hosts.toml.j2", server=SERVERS.get(registry, f"https://{registry}"), mirror=mirror
            ),
        )
        for registry in (*catalog.load().registries, *gpu_needs.registries(cluster))
        if registry != urlsplit(mirror).netloc
    ]


def registry(cluster: Cluster) -> list[File]:
    """Return what leads pulls from the cluster's own registry to its Service, and whom they trust there."""
    if cluster.registry is None:
        return []
    content = render.template(
        "containerd/registry.toml.j2",
        hostname=cluster.registry.hostname,
        address=cluster.registry_address,
        ca=cluster.services_ca,
    )
    return [File(hosts_file(cluster.registry.hostname), content)]


def unit(cluster: Cluster, wanted: File) -> Unit:
    """Return containerd's unit, restarted when its configuration or its binary is another."""
    content = render.template(
        "containerd/containerd.service.j2",
        limits=cluster.containerd.limits,
        restrict_oom_score_adj=cluster.containerd.restrict_oom_score_adj,
    )
    return Unit("containerd.service", content, (wanted, BINARY))


@deploy("containerd")
def containerd() -> None:
    """Configure containerd and keep it running; pods outlive its restart, their API does not."""
    cluster = context.cluster()
    pause = catalog.lock.load(context.lock_path()).image(f"pause@{cluster.kubernetes.version}").ref
    wanted = config(cluster, context.node(), pause)
    files.present(name="Configure containerd", files=[wanted])
    pulled = mirrors(cluster)
    files.present(name="Pull images through the mirror", files=pulled)
    if way := registry(cluster):
        files.present(name="Know the way to the registry", files=way)
    known = (*catalog.load().registries, gpu_needs.NVIDIA_REGISTRY)
    files.withdrawn(
        name="Forget mirrors that are gone",
        paths=sorted({*map(hosts_file, known)} - {file.path for file in pulled}),
        mark=MARK,
    )
    units.brought_up(name="Run containerd", unit=unit(cluster, wanted), disturbs=Disturbs.PODS)
