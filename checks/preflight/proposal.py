"""What to make of hosts that nobody has described yet: names, roles, GPUs, free addresses and ranges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from checks.collect.observed import Observed
from deploy.model import Allocation, TimeSync, Vendor
from deploy.model.gpu import USUAL
from deploy.observe.cards import gpus

POOL_SIZE = 11
RANGES = tuple(
    IPv4Network(text)
    for text in (
        "10.42.0.0/16",
        "10.43.0.0/16",
        "10.244.0.0/16",
        "10.96.0.0/16",
        "172.28.0.0/16",
        "172.29.0.0/16",
    )
)
KEEPERS = {"chronyd": TimeSync.CHRONY, "systemd-timesyn": TimeSync.TIMESYNCD}
GIB = 1024**3


@dataclass(frozen=True, slots=True)
class ProposedGpus:
    """The GPUs of one model; one that is not `known` is the PCI id: somebody has to name it."""

    vendor: Vendor
    model: str
    count: int
    allocation: Allocation
    known: bool = True


@dataclass(frozen=True, slots=True)
class ProposedNode:
    """One host; `notes` are what a person should know of it."""

    name: str
    address: IPv4Address
    control_plane: bool
    gpus: tuple[ProposedGpus, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """An inventory's values. `pool` is None where no free addresses were found.

    `confined` are the limits (open files, processes) of hosts that are containers, None on machines.
    """

    nodes: tuple[ProposedNode, ...]
    pod_cidr: IPv4Network
    service_cidr: IPv4Network
    pool: tuple[IPv4Address, IPv4Address] | None
    time: TimeSync
    cgroup_v1: bool
    swap: bool
    confined: tuple[int | None, int | None] | None
    may_raise_limits: bool


def proposal(hosts: Sequence[tuple[IPv4Address, Observed]], answering: Collection[IPv4Address]) -> Proposal:
    """Return what to write; `answering` are the candidates that somebody was heard at."""
    names = _names([host for _, host in hosts])
    first = _control_plane(hosts)
    observed = [host for _, host in hosts]
    ways = _ways(observed)
    pods, services = _free_ranges(observed)
    contained = [host.confinement for host in observed if host.confinement and host.confinement.container]
    return Proposal(
        nodes=tuple(
            ProposedNode(name, address, address == first, _gpus(host, ways), tuple(_notes(address, host)))
            for name, (address, host) in zip(names, hosts, strict=True)
        ),
        pod_cidr=pods,
        service_cidr=services,
        pool=_pool(hosts, answering),
        time=TimeSync.NONE if contained else _time(observed),
        cgroup_v1=any(host.cgroup is not None and host.cgroup.version == 1 for host in observed),
        swap=bool(contained) and any(host.swap is not None and bool(host.swap.active) for host in observed),
        confined=(_least(each.nofile for each in contained), _least(each.nproc for each in contained))
        if contained
        else None,
        may_raise_limits=all(each.may_raise_limits for each in contained),
    )


def _least(numbers: Iterator[int | None]) -> int | None:
    return min((number for number in numbers if number is not None), default=None)


def _names(hosts: Sequence[Observed]) -> list[str]:
    """Return a name for each host: its own where a node can have it and no other has it."""
    own = [
        re.sub(r"[^a-z0-9-]", "-", (host.system.hostname if host.system else "").partition(".")[0].lower())
        for host in hosts
    ]
    counted = Counter(own)
    fit = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
    return [
        name if fit.fullmatch(name) and counted[name] == 1 and name != "localhost" else f"node{number}"
        for number, name in enumerate(own, 1)
    ]


def _control_plane(hosts: Sequence[tuple[IPv4Address, Observed]]) -> IPv4Address:
    """Return the host for the control plane: the first without GPUs that has enough of everything."""

    def unfit(host: Observed) -> tuple[bool, bool]:
        small = host.system is None or (host.system.cpus or 0) < 2
        return bool(host.pci and gpus(host.pci)), small

    return min(hosts, key=lambda each: unfit(each[1]))[0]


def _ways(hosts: Sequence[Observed]) -> dict[Vendor, Allocation]:
    """Return how GPUs of each vendor are given away: by claim where a host has several models of it."""
    several = {
        vendor
        for host in hosts
        for vendor, count in Counter(vendor for vendor, _ in _models(host)).items()
        if count > 1
    }
    return {vendor: Allocation.DRA if vendor in several else way for vendor, way in USUAL.items()}


def _models(host: Observed) -> Counter[tuple[Vendor, str]]:
    return Counter((card.vendor, card.model) for card in (gpus(host.pci) if host.pci else ()))


def _gpus(host: Observed, ways: Mapping[Vendor, Allocation]) -> tuple[ProposedGpus, ...]:
    named = {card.model for card in (gpus(host.pci) if host.pci else ()) if card.card}
    return tuple(
        ProposedGpus(vendor, model, count, ways[vendor], model in named)
        for (vendor, model), count in _models(host).most_common()
    )


def _notes(address: IPv4Address, host: Observed) -> Iterator[str]:
    """Yield what a person would look up first: the machine, and where models could lie."""
    if host.system:
        memory = f"{host.system.memory_kib // 1024**2} GiB" if host.system.memory_kib else "unknown memory"
        yield f"{host.system.os_name or host.system.os}, {host.system.cpus or '?'} CPUs, {memory}"
    if host.disks:
        sizes = [
            f"{block.name} {block.size // GIB} GiB{' (rotating)' if block.rotational else ''}"
            for block in host.disks.blocks
        ]
        free = min((disk.free_kib for disk in host.disks.paths if disk.path in ("/", "/var")), default=0)
        yield f"disks {', '.join(sizes) or 'unknown'}; {free // 1024**2} GiB free in /var"
    at = host.network.at(address) if host.network else None
    if at and at.dynamic:
        yield f"{address} is lent by DHCP: reserve it there, or make it static"
    link = host.network.link_of(address) if host.network else None
    if link and link.wifi:
        yield f"{link.name} is Wi-Fi: models will come slowly"


def _free_ranges(hosts: Sequence[Observed]) -> tuple[IPv4Network, IPv4Network]:
    """Return two ranges that no host's route or name server lies in."""
    used = [
        route.destination
        for host in hosts
        if host.network
        for route in host.network.routes
        if route.destination.prefixlen > 0
    ]
    servers = [
        server for host in hosts if host.names for each in host.names.servers.values() for server in each
    ]
    used += [IPv4Network(server) for server in servers if re.fullmatch(r"\d+(\.\d+){3}", server)]
    free = [each for each in RANGES if not any(each.overlaps(network) for network in used)]
    return (free[0], free[1]) if len(free) > 1 else (RANGES[0], RANGES[1])


def subnet(hosts: Sequence[tuple[IPv4Address, Observed]]) -> IPv4Network | None:
    """Return the network of the first host whose address was found on it."""
    found = (host.network.at(address) for address, host in hosts if host.network)
    return next((at.interface.network for at in found if at), None)


def candidates(hosts: Sequence[tuple[IPv4Address, Observed]]) -> list[IPv4Address]:
    """Return the addresses worth asking for, best first: the end of the hosts' network, without its last."""
    network = subnet(hosts)
    if network is None or network.num_addresses < 4 * POOL_SIZE:
        return []
    top = int(network.broadcast_address) - 4
    return [IPv4Address(top - step) for step in range(min(4 * POOL_SIZE, network.num_addresses // 2))]


def _pool(
    hosts: Sequence[tuple[IPv4Address, Observed]], answering: Collection[IPv4Address]
) -> tuple[IPv4Address, IPv4Address] | None:
    """Return the first and last of as many addresses in a row that nobody uses."""
    taken = {*answering, *(address for address, _ in hosts)}
    for _, host in hosts:
        if host.network:
            taken |= {*host.network.gateways, *(neighbour for neighbour, _ in host.network.neighbours)}
    row: list[IPv4Address] = []
    for address in candidates(hosts):
        row = [] if address in taken else [*row, address]
        if len(row) == POOL_SIZE:
            return row[-1], row[0]
    return None


def _time(hosts: Sequence[Observed]) -> TimeSync:
    """Return who keeps the clocks already, if it is one of those that can be declared."""
    keepers = Counter(host.clock.keeper for host in hosts if host.clock)
    usual = keepers.most_common(1)[0][0] if keepers else None
    return KEEPERS.get(usual or "", TimeSync.CHRONY)
