"""The hosts of a lab: made, booted, asked, taken away."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from pathlib import Path

from deploy.lab import keys
from deploy.lab.errors import LabError
from deploy.lab.layout import LABEL, Layout
from deploy.lab.run import podman, run
from deploy.model import paths
from deploy.model.api_server import ADMIN

BOOT_SECONDS: float = 120
# podman runs a command without the PATH of a login
KUBECTL = ("/usr/local/bin/kubectl", f"--kubeconfig={ADMIN}")
UP = {"running", "degraded"}
REMOVALS = 5  # tries


def key(lab: str, node: str) -> Path:
    """Return the host's own SSH key; it is a new one when the host is made anew."""
    return paths.lab_state(lab) / "hosts" / node / "ssh_host_ed25519_key"


def create(layout: Layout, node: str, image: str, login: Path) -> None:
    """Make a host that has never been booted; what is left of one that was half made goes first."""
    remove(layout, node)
    for volume in layout.volumes(node):
        podman("volume", "create", f"--label={LABEL}={layout.name}", volume)
    podman(*layout.host(node, image))
    brought = keys.brought(login, keys.made(key(layout.name, node), node))
    podman("cp", "-", f"{layout.container(node)}:/", stdin=brought)


def remove(layout: Layout, node: str) -> None:
    """Take a host away with its volumes and its key."""
    name = layout.container(node)
    listed = ("ps", "--all", f"--filter=name=^{name}$", "--format={{.Names}}")
    remove_all("containers", lambda: podman(*listed).split())
    podman("volume", "rm", "--force", *layout.volumes(node), check=False)
    shutil.rmtree(key(layout.name, node).parent, ignore_errors=True)


def remove_all(what: str, left: Callable[[], list[str]], *kind: str) -> None:
    """Remove things of podman until none is left; it fails under load for some that are gone a moment later.

    A container that is thrown away is killed: one that ends by itself while podman waits for that cannot be
    removed ("container not running").
    """
    force = ["--force", "--time=0"] if not kind else ["--force"]
    for _ in range(REMOVALS):
        if not (names := left()):
            return
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda name: podman(*kind, "rm", *force, name, check=False), names))
    if names := left():
        raise LabError(
            f"podman could not remove the {what} {', '.join(names)}; try again, and look at `podman ps --all`"
        )


def execute(
    layout: Layout, node: str, command: Sequence[str], stdin: str | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command on a host as root."""
    return run(
        ["podman", "exec", "--interactive", layout.container(node), *command], stdin=stdin or "", check=check
    )


def await_boot(layout: Layout, node: str) -> None:
    """Wait for systemd to say that all is up, and for sshd to listen."""
    deadline = time.monotonic() + BOOT_SECONDS
    state = ""
    while time.monotonic() < deadline:
        left = f"{max(1.0, deadline - time.monotonic()):.0f}"
        wait = ["timeout", "--kill-after=5", left, "systemctl", "is-system-running", "--wait"]
        asked = execute(layout, node, wait, check=False)
        state = asked.stdout.strip()
        if state in UP and _listens(layout.address(node), keys.PORTS[0]):
            return
        time.sleep(0.2)
    raise LabError(
        f"the host {node} has not booted in {BOOT_SECONDS} s (systemd says: {state or 'nothing'}). "
        f"Look: podman logs {layout.container(node)}"
    )


def _listens(address: IPv4Address, port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex((str(address), port)) == 0
