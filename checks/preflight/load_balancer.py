"""The addresses that the load balancer gives away."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from checks.preflight.verdicts import (
    ClusterJudge,
    Everyone,
    Said,
    failed,
    passed,
    skipped,
    unavailable,
)
from checks.say import listed
from deploy.model.ranges import AddressRange


def _subnets(everyone: Everyone) -> dict[IPv4Network, list[str]]:
    """Return the networks that the nodes' addresses are really in, with their nodes."""
    found: dict[IPv4Network, list[str]] = {}
    for host in everyone.hosts:
        node = next((node for node in everyone.cluster.nodes if node.name == host.host), None)
        at = host.network.at(node.address) if node and host.network else None
        if at:
            found.setdefault(at.interface.network, []).append(host.host)
    return found


def _faults(everyone: Everyone) -> Iterator[str]:
    cluster, pool = everyone.cluster, everyone.cluster.pool
    balancer = cluster.load_balancer
    subnets = _subnets(everyone)
    for each in pool:
        text = f"{each.first}-{each.last}"
        inside = any(each.first in net and each.last in net for net in subnets)
        if not inside and subnets and balancer and not balancer.outside_subnet:
            yield f"{text} is outside of {listed([str(net) for net in subnets])}"
        for net in subnets:
            for edge in (net.network_address, net.broadcast_address):
                if edge in each and net.prefixlen < 31:
                    yield f"{text} contains {edge}, which is no host's address"
        for node in cluster.nodes:
            if node.address in each:
                yield f"{text} contains {node.name}'s address {node.address}"
        for gateway in sorted(
            {gate for host in everyone.hosts if host.network for gate in host.network.gateways}
        ):
            if gateway in each:
                yield f"{text} contains the gateway {gateway}"
        if cluster.has_virtual_endpoint and cluster.endpoint in each:
            yield f"{text} contains the API's address {cluster.endpoint}"
        if balancer and balancer.dhcp_range and each.overlaps(AddressRange.parse(balancer.dhcp_range)):
            yield f"{text} overlaps what DHCP gives away, {balancer.dhcp_range}"


def _answering(everyone: Everyone) -> dict[IPv4Address, str]:
    """Return addresses of the pool that somebody answers for, with the MAC; a gateway is told elsewhere."""
    known = {gate for host in everyone.hosts if host.network for gate in host.network.gateways}
    macs = {link.mac for host in everyone.hosts if host.network for link in host.network.links}
    found: dict[IPv4Address, str] = {}
    for host in everyone.hosts:
        seen = [*(host.network.neighbours if host.network else ()), *(host.arp or {}).items()]
        for address, mac in seen:
            inside = any(address in each for each in everyone.cluster.pool)
            if inside and mac not in macs and address not in known:
                found[address] = mac
    return found


def _unread(everyone: Everyone) -> str | None:
    """Say why nobody can tell whether the pool is free: no host's network was read, or no probe came back."""
    unread = [host for host in everyone.hosts if host.network is None]
    if len(unread) == len(everyone.hosts):
        causes = [host.trouble.text if host.trouble else host.cause("network") for host in unread]
        return f"network: {listed(sorted(set(causes)), 1) or 'no host was read'}"
    probing = [host for host in everyone.hosts if host.active]
    if probing and all(host.arp is None for host in probing):
        return f"arp: {probing[0].cause('arp')}"
    return None


def pool(everyone: Everyone) -> Said:
    """The pool is inside the hosts' network, and nothing uses any of it."""
    if everyone.cluster.load_balancer is None:
        return skipped("no load balancer is declared")
    wanted = "free addresses of the hosts' network"
    faults = list(_faults(everyone))
    faults += [f"{address} answers, as {mac}" for address, mac in sorted(_answering(everyone).items())]
    if faults:
        return failed(listed(faults, 4), wanted)
    if blind := _unread(everyone):
        return unavailable(blind)
    tried = any(host.arp is not None for host in everyone.hosts)
    how = "nobody answered a probe" if tried else "nobody was seen there; --active probes each address"
    sizes = sum(int(each.last) - int(each.first) + 1 for each in everyone.cluster.pool)
    return passed(f"{sizes} addresses, {how}", wanted)


CLUSTER_JUDGES: dict[str, ClusterJudge] = {"LB-03": pool}
