"""An inventory's hosts in the form that plain pyinfra takes, reached just as the engine reaches them.

`pyinfra inventories/lab.py deploy.steps.baseline.baseline` runs one step through this.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deploy import context
from deploy.engine.target import Target, target
from deploy.errors import SlipwayError
from deploy.model import Cluster, Node, load_cluster, paths

PyinfraHost = tuple[str, dict[str, Any]]


def groups(inventory: Path) -> tuple[list[PyinfraHost], list[PyinfraHost]]:
    """Return the control planes and the workers of an inventory file.

    Writes the SSH configuration that they need beside the cluster's known_hosts: pyinfra goes through a jump
    host only by such a file, and asks questions about the jump host's key without it.
    """
    cluster = _loaded(inventory)
    config = paths.cluster_state(cluster.name) / f"{inventory.stem}.ssh_config"
    known_hosts = paths.known_hosts(cluster.name)
    _write(config, ssh_config([target(cluster, node) for node in cluster.nodes], known_hosts))
    lock = str(paths.lock_file(inventory.absolute()))

    def hosts(nodes: Iterable[Node]) -> list[PyinfraHost]:
        return [
            (
                node.name,
                {
                    **ssh_data(target(cluster, node), known_hosts, config),
                    **context.host_data(cluster, node, lock),
                },
            )
            for node in nodes
        ]

    return hosts(cluster.control_planes), hosts(cluster.workers)


def ssh_data(there: Target, known_hosts: Path, config: Path) -> dict[str, Any]:
    """Return how pyinfra reaches a host; a host key that is not known is refused."""
    data: dict[str, Any] = {
        "ssh_hostname": there.address,
        "ssh_port": there.port,
        "ssh_user": there.user,
        "ssh_config_file": str(config),
        "ssh_known_hosts_file": str(known_hosts),
        "ssh_strict_host_key_checking": "yes",
        "_sudo": there.become,
    }
    return data | ({"ssh_key": str(there.key)} if there.key else {})


def ssh_config(targets: Iterable[Target], known_hosts: Path) -> str:
    """Return OpenSSH's configuration of the hosts, and of those that they are reached through."""
    targets = list(targets)
    through = {there.via.address: there.via for there in targets if there.via}
    direct = {there.address: there for there in targets if there.via is None}
    lines = ["# written by slipway from the inventory; changes are lost"]
    for there in [*{**direct, **through}.values(), *(there for there in targets if there.via)]:
        lines += ["", f"Host {there.address}", *(f"  {line}" for line in _options(there))]
    always = ("  StrictHostKeyChecking yes", f"  UserKnownHostsFile {known_hosts}")
    return "\n".join([*lines, "", "Host *", *always, ""])


def _options(there: Target) -> Iterable[str]:
    yield f"User {there.user}"
    yield f"Port {there.port}"
    if there.key:
        yield f"IdentityFile {there.key}"
    if there.via:
        yield f"ProxyJump {there.via.user}@{there.via.address}:{there.via.port}"


def _loaded(inventory: Path) -> Cluster:
    """Load an inventory, or end: pyinfra shows a traceback for what an inventory raises."""
    try:
        return load_cluster(inventory)
    except SlipwayError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(int(error.exit_code)) from None


def _write(path: Path, text: str) -> None:
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text)
    part.chmod(0o600)
    part.replace(path)
