"""A lab: hosts in containers on a network of their own, beside a file mirror and an image registry."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import yaml

from deploy.catalog import ImageEntry
from deploy.catalog import load as load_catalog
from deploy.lab import asked, hosts, k3s, keys, machine, packages, recipes, rootfs, supply
from deploy.lab.errors import LabError, LabUsageError
from deploy.lab.layout import DEFAULT_NAME, LABEL, SUBNET, Layout
from deploy.lab.places import INVENTORIES
from deploy.lab.progress import Progress
from deploy.lab.run import failure, podman, run
from deploy.lab.services import serve, services
from deploy.model import paths


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a lab as podman sees it."""

    name: str
    state: str


@dataclass(frozen=True)
class Lab:
    """One lab by its name; `up` brings it about, `down` takes away all that carries its name."""

    name: str = DEFAULT_NAME
    subnet: IPv4Network = SUBNET
    count: int = 2
    suite: str = "bookworm"
    versions: tuple[str, ...] = ()
    trusted: bool = True
    progress: Progress = field(default_factory=Progress)
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

    @property
    def kubernetes(self) -> tuple[str, ...]:
        """The Kubernetes versions that can be installed from this lab's mirror and registry."""
        return self.versions or (load_catalog().kubernetes.default,)

    def address(self, node: str) -> IPv4Address:
        """Return the address of a host."""
        return self.layout.address(node)

    def up(self) -> None:
        """Bring up hosts, mirror and registry, and pin what these serve; what is there stays as it is."""
        self.hosts_up()
        made = supply.made(self.kubernetes, self.progress, asked.images(self.inventories()))
        for service in services(self.layout, made.registry):
            serve(self.layout, service, rootfs.image(self.suite))
        for inventory in self.inventories():
            made.write_lock(paths.lock_file(inventory))
        for text in self.misled():
            self.progress.say(text)

    def hosts_up(self) -> None:
        """Bring up the network and the hosts only."""
        packages.ensure(self.progress.say)
        self._refuse_other_subnet()
        for module in machine.load(policies=any(map(k3s.is_version, self.kubernetes))):
            self.progress.say(f"  loaded for all hosts: the kernel's module {module}")
        for raised in machine.prepare():
            self.progress.say(f"  raised for all hosts, until the last lab is down: {raised}")
        image = rootfs.built(self.suite, self.progress)
        keys.made(self.key, f"slipway lab {self.name}")
        if self._network() is None:
            self._create_network()
        absent = self.absent()
        with self.progress.item(f"{len(self.nodes)} hosts"), ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda node: hosts.create(self.layout, node, image, self.key), absent))
            list(pool.map(self.start, self.nodes))
        if self.trusted:
            keys.trust(self.name, self.known_hosts())
        else:
            keys.forget(self.name, map(self.address, self.nodes))

    def write_lock(self, inventory: Path) -> None:
        """Make what an inventory asks for whose hosts pull from this lab, and write its lock file."""
        made = supply.made(self.kubernetes, self.progress, asked.images([inventory]))
        made.write_lock(paths.lock_file(inventory))

    def request(self, *names: str) -> None:
        """Make and serve images that no lab has until it is asked for them, by the names of their recipes."""
        refs = recipes.own_images(on_request=True)
        supply.made(self.kubernetes, self.progress, [ImageEntry(name, refs[name]) for name in names])

    def inventories(self) -> list[Path]:
        """Return the checkout's inventories whose hosts pull from this lab."""
        return [path for path in sorted(INVENTORIES.glob("*.yaml")) if self._serves(path)]

    def misled(self) -> list[str]:
        """Return what to set in this lab's inventories that name another key than the lab has."""
        named = {path: _key_of(yaml.safe_load(path.read_text())) for path in self.inventories()}
        return [
            f"{path}: ssh.key is {key}, this lab's key is {self.key}; set ssh.key to that"
            for path, key in named.items()
            if Path(key).expanduser() != self.key
        ]

    def absent(self) -> list[str]:
        """Return the hosts to be made: one that was never started was interrupted before it was whole."""
        present = {each.name for each in self.containers() if each.state != "created"}
        return [node for node in self.nodes if self.layout.container(node) not in present]

    def containers(self) -> list[Container]:
        """Return every container of this lab, running or not."""
        listed = podman("ps", "--all", f"--filter=label={LABEL}={self.name}", "--format=json")
        found = [Container(each["Names"][0], each["State"]) for each in json.loads(listed or "[]")]
        return sorted(found, key=lambda each: each.name)

    def known_hosts(self) -> list[str]:
        """Return the lines that make ssh know every host."""
        return keys.known_lines({self.address(n): keys.public(hosts.key(self.name, n)) for n in self.nodes})

    def start(self, node: str) -> None:
        """Start a host where it is stopped, and wait until it has booted and lets in."""
        podman("start", self.layout.container(node))
        hosts.await_boot(self.layout, node)

    def stop(self, node: str) -> None:
        """Shut a host down; podman calls it a failure, once, when it ends just before it would be killed."""
        command = ("stop", "--time=20", self.layout.container(node))
        try:
            podman(*command)
        except LabError:
            podman(*command)

    def restart(self, node: str) -> None:
        """Reboot a host."""
        self.stop(node)
        self.start(node)

    def exec(
        self, node: str, command: Sequence[str], stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on a host as root, without SSH."""
        return hosts.execute(self.layout, node, command, stdin, check)

    def remove(self, node: str) -> None:
        """Take one host away with all that it kept."""
        hosts.remove(self.layout, node)

    def down(self) -> None:
        """Take away every container, volume and network that carries this lab's name, and its keys."""
        packages.require_root()
        label = f"--filter=label={LABEL}={self.name}"
        hosts.remove_all("containers", lambda: [each.name for each in self.containers()])
        hosts.remove_all("volumes", lambda: podman("volume", "ls", "--quiet", label).split(), "volume")
        if self._network() is not None:
            podman("network", "rm", "--force", self.layout.prefix)
        shutil.rmtree(paths.lab_state(self.name), ignore_errors=True)
        if not podman("ps", "--all", "--quiet", f"--filter=label={LABEL}"):
            machine.restore()

    def _serves(self, inventory: Path) -> bool:
        """Say whether an inventory is this lab's; a broken one is for `validate` to complain of."""
        if inventory.name.endswith(".lock.yaml"):
            return False
        try:
            data = yaml.safe_load(inventory.read_text())
        except yaml.YAMLError:
            return False
        artifacts = data.get("artifacts") if isinstance(data, dict) else None
        return isinstance(artifacts, dict) and artifacts.get("mirror") == self.layout.mirror

    def _network(self) -> IPv4Network | None:
        """Return the subnet of this lab's network, where there is one."""
        found = run(["podman", "network", "inspect", self.layout.prefix], check=False)
        if found.returncode:
            return None
        return IPv4Network(json.loads(found.stdout)[0]["subnets"][0]["subnet"])

    def _create_network(self) -> None:
        done = run(["podman", *self.layout.network()], check=False)
        if done.returncode and "already used" in done.stderr:
            raise LabUsageError(
                f"the subnet {self.subnet} is in use on this machine. Give the lab another with --subnet"
            )
        if done.returncode:
            raise LabError(failure(["podman", *self.layout.network()], done))

    def _refuse_other_subnet(self) -> None:
        found = self._network()
        if found not in {None, self.subnet}:
            raise LabUsageError(
                f"the lab {self.name} exists with the subnet {found}, {self.subnet} was asked for. "
                f"Run: slipway lab down --name {self.name}, or give another --name"
            )


def existing(name: str) -> Lab:
    """Return a lab that is there, with its subnet and as many hosts as it has."""
    packages.require_root()
    subnet = Lab(name)._network()
    if subnet is None:
        raise LabUsageError(f"there is no lab {name}. Run: slipway lab up --name {name}")
    lab = Lab(name, subnet)
    return Lab(name, subnet, max([1, *numbers(each.name for each in lab.containers())]))


def numbers(containers: Iterable[str]) -> list[int]:
    """Return the numbers of the hosts among a lab's containers: slipway-lab-n2 is 2."""
    ends = (name.rpartition("-n")[2] for name in containers)
    return [int(end) for end in ends if end.isdigit()]


def _key_of(inventory: Mapping[str, Any]) -> str:
    ssh = inventory.get("ssh")
    return str(ssh.get("key", "not set")) if isinstance(ssh, dict) else "not set"
