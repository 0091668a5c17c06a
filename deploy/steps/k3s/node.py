"""What k3s has on one node: its files and its unit."""

from __future__ import annotations

import yaml

from deploy import render
from deploy.catalog.kubelet import settings as kubelet_settings
from deploy.model import Cluster, Node
from deploy.operations import k3s as operations
from deploy.operations.files import File
from deploy.operations.units import Pinned, Unit
from deploy.steps.k3s import config

BINARY = "/usr/local/bin/k3s"
TOOLS = ("kubectl", "crictl", "ctr")


def configuration(cluster: Cluster, node: Node) -> list[File]:
    """Return k3s' configuration; the token that joins is no part of it."""
    main = config.server(cluster, node) if node.is_control_plane else config.agent(cluster, node)
    return [
        File(config.CONFIG, config.as_yaml(main), mode="0600"),
        File(config.REGISTRATION, config.as_yaml(config.registration(node)), mode="0600"),
        File(config.REGISTRIES, config.as_yaml(config.registries(cluster)), mode="0600"),
        File(config.KUBELET, yaml.safe_dump(kubelet_settings(cluster), sort_keys=False).encode()),
    ]


def tools() -> list[File]:
    """Return the commands that people and slipway call and that k3s carries."""
    return [File(f"/usr/local/bin/{name}", render.file(f"k3s/{name}"), mode="0755") for name in TOOLS]


def unit_name(node: Node) -> str:
    """Return the name of k3s' unit on a node, as k3s' own installer calls it."""
    return operations.SERVER_UNIT if node.is_control_plane else operations.AGENT_UNIT


def unit(cluster: Cluster, node: Node, binary: str) -> Unit:
    """Return k3s' unit; it restarts when what it reads at every start is another, or k3s itself.

    `binary` is the sha256 of k3s as the lock file pins it.
    """
    role = "server" if node.is_control_plane else "agent"
    content = render.template(
        "k3s/k3s.service.j2",
        role=role,
        limits=cluster.kubernetes.k3s.limits,
        record=operations.RECORD.replace("%", "%%"),
    )
    token = [] if node == cluster.control_planes[0] else [config.TOKEN]
    read = [file for file in configuration(cluster, node) if file.path != config.REGISTRATION]
    return Unit(unit_name(node), content, (*read, *token, Pinned(BINARY, binary)))
