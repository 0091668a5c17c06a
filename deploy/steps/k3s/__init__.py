"""A cluster out of k3s: the first server, the others one by one, the agents all at once."""

from __future__ import annotations

from pyinfra import host
from pyinfra.api import deploy

from deploy import context
from deploy.catalog import k3s as catalog
from deploy.model.row import Disturbs
from deploy.operations import artifacts as downloads
from deploy.operations import files, k3s
from deploy.operations.artifacts import Installed
from deploy.steps import serving
from deploy.steps.artifacts import BIN, SECONDS, pinned
from deploy.steps.k3s import config
from deploy.steps.k3s.node import BINARY, configuration, tools, unit, unit_name

# k3s imports what lies here at every start (k3s-io/k3s docs, air-gap install)
IMAGES = "/var/lib/rancher/k3s/agent/images"


@deploy("Artifacts")
def artifacts() -> None:
    """Install k3s and the commands it carries; where there is a mirror also the images of what it deploys."""
    cluster, arch = context.cluster(), downloads.architecture()
    version = cluster.kubernetes.version
    downloads.installed(
        name=f"Install k3s {version}",
        items=[_binary()],
        rehash=context.rehashes(),
        disturbs=Disturbs.SERVICE,
        _timeout=SECONDS,
    )
    files.present(name="Install the commands that k3s carries", files=tools())
    if cluster.artifacts.mirror:
        downloads.installed(
            name="Lay out k3s' images",
            items=[_images(version, arch)],
            rehash=context.rehashes(),
            _timeout=SECONDS,
        )
    if context.node().is_control_plane:
        helm = pinned("helm", arch, members={f"linux-{arch}/helm": f"{BIN}/helm"})
        downloads.installed(name="Install Helm", items=[helm], rehash=context.rehashes(), _timeout=SECONDS)


@deploy("Control plane")
def server() -> None:
    """Start the first server."""
    if not context.founds():
        return
    node, speaker = context.node(), host.data.get(context.SPEAKER)
    k3s.may_found(
        name="See that no cluster is there already", node=node.name, speaker=speaker, unit=unit_name(node)
    )
    _brought_up()
    k3s.admin_linked(name="Link the administrator's credentials")


@deploy("Control planes")
def servers() -> None:
    """Join another server."""
    if not context.follows():
        return
    _joined()
    k3s.admin_linked(name="Link the administrator's credentials")


@deploy("Workers")
def agents() -> None:
    """Join an agent."""
    if context.works():
        _joined()


def _joined() -> None:
    cluster, node = context.cluster(), context.node()
    speaker = host.data.get(context.SPEAKER) or cluster.control_planes[0].name
    k3s.admitted(name="See that its name is free", node=node.name, speaker=speaker, unit=unit_name(node))
    k3s.token_known(name="Fetch the token", path=config.TOKEN, speaker=speaker, server=node.is_control_plane)
    _brought_up()


def _brought_up() -> None:
    cluster, node = context.cluster(), context.node()
    files.present(name="Configure k3s", files=configuration(cluster, node))
    k3s.brought_up(name="Run k3s", unit=unit(cluster, node, _binary().sha256), node=node.name)
    serving.pulling()


def _binary() -> Installed:
    key = catalog.key(catalog.BINARY, context.cluster().kubernetes.version)
    return pinned(key, downloads.architecture(), BINARY)


def _images(version: str, arch: str) -> Installed:
    key = catalog.key(catalog.IMAGES, version)
    name = f"{catalog.IMAGES}-{arch}.tar.gz"
    return pinned(key, arch, f"{IMAGES}/{name}", mode="0644")
