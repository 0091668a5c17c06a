"""`--active`: hosts listen, write and ask for a few seconds, all at once, and leave nothing behind."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import IPv4Address
from typing import Any

from checks.collect.observed import Observed
from deploy.engine.session import AT_ONCE, Session
from deploy.model import Cluster
from deploy.observe.pairs import UnreadableError
from deploy.observe.probes import NO_PYTHON, Probed, parse

TCP_PORT, UDP_PORT = 10250, 8472  # the kubelet's and vxlan's: what a firewall must let through
LISTENING = 8  # seconds: hosts begin within two of each other, also when this machine is busy
PYTHON = "python3 -B -"  # without -B it may leave compiled modules behind
TIMEOUT = 45.0
MOST_ADDRESSES = 64
ETCD = "/var/lib/etcd"
NEEDS_PYTHON = "the probe needs python3 on the host"


def probed(
    session: Session, observations: Sequence[Observed], program: str, url: str | None
) -> tuple[Observed, ...]:
    """Return the observations with what the probes found; `program` is the probe's text."""
    found = {each.host: each for each in observations}
    asker = next((host for host in session.hosts if _interface(session.cluster, found.get(host))), None)
    for group in _groups(session):
        wanted = {
            host: _asked(session.cluster, found[host], group, url, asks=host == asker) for host in group
        }
        commands = {host: f"{PYTHON} {shlex.quote(repr(each))}" for host, each in wanted.items()}
        for host, ran in session.run_many(commands, stdin=program, timeout=TIMEOUT).items():
            cause = NEEDS_PYTHON if ran.rc == NO_PYTHON else ran.err.strip()[-200:]
            found[host] = with_probes(found[host], ran.out, cause)
    return tuple(found[each.host] for each in observations)


def answering(
    session: Session, host: Observed, addresses: Sequence[IPv4Address], program: str
) -> frozenset[IPv4Address] | None:
    """Return which of the addresses answer ARP in a host's network; None when that could not be tried."""
    interface = _interface(session.cluster, host)
    if interface is None or not addresses:
        return None
    asked = {
        "address": "127.0.0.1", "interface": interface, "peers": {}, "tcp": TCP_PORT, "udp": UDP_PORT,
        "seconds": 0, "mtu": 1500, "directory": None, "arp": [str(each) for each in addresses], "url": None,
    }  # fmt: skip
    ran = session.run(host.host, f"{PYTHON} {shlex.quote(repr(asked))}", stdin=program, timeout=TIMEOUT)
    found = with_probes(host, ran.out, "").arp
    return None if found is None else frozenset(found)


def _groups(session: Session) -> Iterator[tuple[str, ...]]:
    """Yield hosts that listen at the same time; the control planes are in every group."""
    first = tuple(node.name for node in session.cluster.control_planes if node.name in session.hosts)
    others = [host for host in session.hosts if host not in first]
    size = max(1, AT_ONCE - len(first))
    for start in range(0, max(1, len(others)), size):
        yield (*first, *others[start : start + size])


def _interface(cluster: Cluster, host: Observed | None) -> str | None:
    at = host.network.at(cluster.node(host.host).address) if host and host.network else None
    return at.link if at else None


def _pool(cluster: Cluster) -> list[str]:
    addresses = (number for each in cluster.pool for number in range(int(each.first), int(each.last) + 1))
    return [str(IPv4Address(number)) for number, _ in zip(addresses, range(MOST_ADDRESSES), strict=False)]


def _asked(
    cluster: Cluster, host: Observed, group: Sequence[str], url: str | None, *, asks: bool
) -> dict[str, Any]:
    """Return what one host's probe is told to do."""
    node = cluster.node(host.host)
    link = host.network.link_of(node.address) if host.network else None
    return {
        "address": str(node.address),
        "interface": link.name if link else None,
        "peers": {name: str(cluster.node(name).address) for name in group if name != host.host},
        "tcp": TCP_PORT,
        "udp": UDP_PORT,
        "seconds": LISTENING,
        "mtu": (link.mtu if link else None) or 1500,
        "directory": ETCD if node.is_control_plane else None,
        "arp": _pool(cluster) if asks else [],
        "url": url,
    }


def with_probes(host: Observed, text: str, cause: str) -> Observed:
    """Return a host with its probe's findings; what is missing has its cause."""
    try:
        found = parse(text)
    except UnreadableError as error:
        found, cause = Probed(), cause or str(error)
    causes = {
        name: (found.failures or {}).get(name, cause or "the probe was cut off")
        for name in ("fsync", "mesh", "arp", "speed")
        if getattr(found, name) is None
    }
    return replace(
        host,
        active=True,
        fsync=found.fsync,
        mesh=found.mesh,
        arp=found.arp,
        speed=found.speed,
        causes={**host.causes, **causes},
    )
