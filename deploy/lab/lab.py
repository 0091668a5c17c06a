"""A lab: hosts in containers on a network of their own, beside a file mirror and an image registry."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

from deploy.lab import keys, machine, rootfs
from deploy.lab.errors import LabError, LabUsageError
from deploy.lab.layout import LABEL, SUBNET, Layout
from deploy.lab.run import podman, run
from deploy.model import paths

BOOT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Machine:
    """One container of a lab as podman sees it."""

    name: str
    state: str


@dataclass(frozen=True)
class Lab:
    """One lab by its name; `up` brings it about, `down` takes away all that carries its name."""

    name: str = "lab"
    subnet: IPv4Network = SUBNET
    count: int = 2
    suite: str = "bookworm"
    trusted: bool = True
    layout: Layout = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", Layout(self.name, self.subnet))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return self.layout.nodes(self.count)

    @property
    def key(self) -> Path:
        """The private key that every host lets in as root, ops and nosudo."""
        return paths.lab_state(self.name) / "id_ed25519"

    def address(self, node: str) -> IPv4Address:
        """Return the address of a host."""
        return self.layout.address(node)

    def hosts_up(self) -> None:
        """Bring up the network and the hosts; what is there already stays as it is."""
        self._refuse_other_subnet()
        machine.prepare()
        image = rootfs.build(self.suite)
        keys.made(self.key, f"slipway lab {self.name}")
        if not self._has_network():
            podman(*self.layout.network())
        present = {each.name for each in self.machines()}
        for node in self.nodes:
            if self.layout.container(node) not in present:
                self._create(node, image)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.start, self.nodes))
        if self.trusted:
            keys.trust(self.name, self.known_hosts())

    def machines(self) -> list[Machine]:
        """Return every container of this lab, running or not."""
        listed = podman("ps", "--all", f"--filter=label={LABEL}={self.name}", "--format=json")
        found = [Machine(each["Names"][0], each["State"]) for each in json.loads(listed or "[]")]
        return sorted(found, key=lambda each: each.name)

    def known_hosts(self) -> list[str]:
        """Return the lines that make ssh know every host."""
        return keys.known_lines({self.address(n): keys.public(self._host_key(n)) for n in self.nodes})

    def start(self, node: str) -> None:
        """Start a host where it is stopped, and wait until it has booted and lets in."""
        podman("start", self.layout.container(node))
        self._await_boot(node)

    def stop(self, node: str) -> None:
        """Shut a host down."""
        podman("stop", "--time=20", self.layout.container(node))

    def restart(self, node: str) -> None:
        """Reboot a host."""
        self.stop(node)
        self.start(node)

    def exec(
        self, node: str, command: Sequence[str], stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host without SSH."""
        return run(
            ["podman", "exec", "--interactive", self.layout.container(node), *command],
            stdin=stdin or "",
            check=check,
        )

    def remove(self, node: str) -> None:
        """Take one host away with all that it kept."""
        podman("rm", "--force", "--time=5", "--ignore", self.layout.container(node))
        podman("volume", "rm", "--force", *self.layout.volumes(node), check=False)
        shutil.rmtree(self._host_key(node).parent, ignore_errors=True)

    def down(self) -> None:
        """Take away every container, volume and network that carries this lab's name, and its keys."""
        label = f"--filter=label={LABEL}={self.name}"
        with ThreadPoolExecutor(4) as pool:
            containers = [each.name for each in self.machines()]
            list(pool.map(lambda name: podman("rm", "--force", "--time=5", "--ignore", name), containers))
        for volume in podman("volume", "ls", "--quiet", label).split():
            podman("volume", "rm", "--force", volume)
        if self._has_network():
            podman("network", "rm", "--force", self.layout.prefix)
        shutil.rmtree(paths.lab_state(self.name), ignore_errors=True)
        if not podman("ps", "--all", "--quiet", f"--filter=label={LABEL}"):
            machine.restore()

    def _create(self, node: str, image: str) -> None:
        for volume in self.layout.volumes(node):
            podman("volume", "create", f"--label={LABEL}={self.name}", volume)
        podman(*self.layout.host(node, image))
        brought = keys.brought(self.key, keys.made(self._host_key(node), node))
        podman("cp", "-", f"{self.layout.container(node)}:/", stdin=brought)

    def _host_key(self, node: str) -> Path:
        return paths.lab_state(self.name) / "hosts" / node / "ssh_host_ed25519_key"

    def _has_network(self) -> bool:
        return run(["podman", "network", "exists", self.layout.prefix], check=False).returncode == 0

    def _refuse_other_subnet(self) -> None:
        if not self._has_network():
            return
        [network] = json.loads(podman("network", "inspect", self.layout.prefix))
        found = network["subnets"][0]["subnet"]
        if found != str(self.subnet):
            raise LabUsageError(
                f"the lab {self.name} exists with the subnet {found}, {self.subnet} was asked for. "
                f"Run: slipway lab down --name {self.name}, or give another --name"
            )

    def _await_boot(self, node: str) -> None:
        """Wait for systemd to say that all is up, and for sshd to listen."""
        deadline = time.monotonic() + BOOT_SECONDS
        state = "not started"
        while time.monotonic() < deadline:
            state = self.exec(node, ["systemctl", "is-system-running", "--wait"], check=False).stdout.strip()
            if state in {"running", "degraded"} and _listens(self.address(node), 22):
                return
            time.sleep(0.2)
        raise LabError(
            f"the host {node} has not booted in {BOOT_SECONDS} s (systemd says: {state or 'nothing'}). "
            f"Look: podman logs {self.layout.container(node)}"
        )


def _listens(address: IPv4Address, port: int) -> bool:
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex((str(address), port)) == 0


def require_root() -> None:
    """Refuse without root: hosts are privileged containers."""
    if os.geteuid() != 0:
        raise LabUsageError("the lab needs root: its hosts are privileged containers. Run it with sudo")
