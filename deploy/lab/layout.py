"""What a lab consists of: names, addresses and the arguments its containers are made with. All pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from deploy.lab.errors import LabUsageError

MIRROR_PORT, REGISTRY_PORT = 8080, 5000
MIRROR_HOST, REGISTRY_HOST, FIRST_NODE = 2, 3, 11
MOST_NODES = 180
"""Nodes are .11 to .190; .200 to .219 are left for load balancers, .250 for a virtual address."""

DEFAULT_NAME = "lab"
SUBNET = IPv4Network("10.89.7.0/24")
LIMITS = ("--ulimit=nofile=20000:20000", "--ulimit=nproc=4096:4096")
"""podman's own are above what a machine without CAP_SYS_RESOURCE may set."""

NAME = r"[a-z][a-z0-9-]{0,39}"
LABEL = "slipway.lab"
KEPT = {
    "containerd": "/var/lib/containerd",  # overlayfs does not stack on the container's own overlayfs
    "kubelet": "/var/lib/kubelet",
    "etcd": "/var/lib/etcd",
    "rancher": "/var/lib/rancher",  # k3s keeps its containerd and its etcd here
}
"""What each host keeps on a volume, which goes with the host."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The names and addresses of one lab."""

    name: str = DEFAULT_NAME
    subnet: IPv4Network = SUBNET

    def __post_init__(self) -> None:
        if not re.fullmatch(NAME, self.name):
            raise LabUsageError(
                f"--name is {self.name!r}; a lab's name has 1 to 40 letters a-z, digits and dashes, "
                "and begins with a letter"
            )
        if self.subnet.prefixlen != 24:
            raise LabUsageError(
                f"--subnet is {self.subnet}; the lab numbers its hosts .11 to .190 and needs a /24, "
                "such as 10.89.7.0/24"
            )

    @property
    def prefix(self) -> str:
        """The beginning of every name that podman knows this lab by."""
        return f"slipway-{self.name}"

    @property
    def mirror(self) -> str:
        """The URL of the file mirror."""
        return f"http://{self.subnet[MIRROR_HOST]}:{MIRROR_PORT}"

    @property
    def registry(self) -> str:
        """The URL of the image registry."""
        return f"http://{self.subnet[REGISTRY_HOST]}:{REGISTRY_PORT}"

    def container(self, node: str) -> str:
        """Return the container of a host."""
        return f"{self.prefix}-{node}"

    def address(self, node: str) -> IPv4Address:
        """Return the address of a host: n1 is .11."""
        return self.subnet[FIRST_NODE - 1 + int(node.removeprefix("n"))]

    def nodes(self, count: int) -> tuple[str, ...]:
        """Return the names of so many hosts."""
        if not 1 <= count <= MOST_NODES:
            raise LabUsageError(f"--nodes is {count}; a lab has 1 to {MOST_NODES} hosts")
        return tuple(f"n{number}" for number in range(1, count + 1))

    def network(self) -> list[str]:
        """Return the arguments that make the network; hosts ask the machine's own name servers."""
        return ["network", "create", "--disable-dns", f"--subnet={self.subnet}", *self._labels(), self.prefix]

    def host(self, node: str, image: str) -> list[str]:
        """Return the arguments that make a host, not yet started.

        --systemd=always would hand all hosts the machine's one systemd hierarchy on cgroup v1; crun fails on
        hybrid cgroups; podman's own search domain has a name server that refuses TCP; podman's default of
        2048 processes ends a container runtime at 25 pods.
        """
        return [
            *self._create(node, self.address(node)),
            *("--privileged", "--cgroupns=private", "--systemd=false", "--env=container=podman"),
            "--stop-signal=SIGRTMIN+3",
            *("--tmpfs=/run:mode=755", "--tmpfs=/run/lock", "--tmpfs=/tmp:mode=1777"),
            "--pids-limit=-1",
            *("--no-hosts", "--dns-search=."),
            *(f"--volume={volume}:{where}" for volume, where in self.volumes(node).items()),
            *(image, "/sbin/init"),
        ]

    def service(
        self, role: str, address: IPv4Address, image: str, mounts: Mapping[str, str], *options: str
    ) -> list[str]:
        """Return the arguments that make the mirror or the registry, without the command."""
        return [
            *self._create(role, address),
            *(f"--volume={source}:{where}:ro" for source, where in mounts.items()),
            *options,
            image,
        ]

    def volumes(self, node: str) -> dict[str, str]:
        """Return a host's volumes and where each is mounted."""
        return {f"{self.container(node)}-{what}": where for what, where in KEPT.items()}

    def _create(self, name: str, address: IPv4Address) -> Iterator[str]:
        yield from ("--runtime=runc", "create", f"--name={self.container(name)}", f"--hostname={name}")
        yield from self._labels()
        yield from (f"--network={self.prefix}", f"--ip={address}", f"--mac-address={mac(address)}")
        yield from LIMITS

    def _labels(self) -> tuple[str, ...]:
        return (f"--label={LABEL}={self.name}",)


def mac(address: IPv4Address) -> str:
    """Return the MAC of an address, so that neighbours of a host made anew still reach it."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x42, *address.packed))


def command(verb: str, lab: str) -> str:
    """Return `slipway lab VERB` for a lab, as an operator types it; the default lab needs no name."""
    return f"slipway lab {verb}" if lab == DEFAULT_NAME else f"slipway lab {verb} --name {lab}"
