"""What must hold between the addresses of an inventory.

An inventory does not say how large the hosts' networks are: a /24 around each node is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from deploy.model.cluster import Cluster
from deploy.model.mistake import Mistake, Place
from deploy.model.ranges import AddressRange, subnet_of

NODES: Place = ("nodes",)
ENDPOINT: Place = ("kubernetes", "endpoint")
POD_CIDR: Place = ("kubernetes", "pod_cidr")
SERVICE_CIDR: Place = ("kubernetes", "service_cidr")
POOL: Place = ("load_balancer", "pool")
DHCP: Place = ("load_balancer", "dhcp_range")
# kubeadm, app/apis/kubeadm/validation: every node gets a /24, at most 2^16 of them; Services have
# at most 20 bits (MaximumBitsForServiceSubnet) and at least 10 addresses, the tenth is the DNS server's
NODE_PREFIX, WIDEST_POD, WIDEST_SERVICE, NARROWEST_SERVICE = 24, 8, 12, 28
RANGE = "FIRST-LAST such as 192.168.1.240-192.168.1.250, or a network such as 192.168.1.240/28"


def addresses_are_hosts(cluster: Cluster) -> Iterator[Mistake]:
    """Every node has an address that a host can have, and no other node has."""
    first: dict[IPv4Address, int] = {}
    for index, node in enumerate(cluster.nodes):
        place, address = ("nodes", index, "address"), node.address
        if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_reserved:
            yield Mistake(place, f"{address} is no address that other hosts can reach; wanted one that is")
        if address in first:
            other = first[address]
            yield Mistake(
                place,
                f"{address} is also the address of nodes[{other}], {cluster.nodes[other].name};"
                " give every node its own",
                involves=(("nodes", other, "address"),),
            )
        first.setdefault(address, index)


def endpoint_can_move(cluster: Cluster) -> Iterator[Mistake]:
    """Several control planes share an address that is no node's."""
    endpoint, several = cluster.kubernetes.endpoint, len(cluster.control_planes) > 1
    if endpoint is None:
        if several:
            yield Mistake(
                ENDPOINT,
                f"missing; {len(cluster.control_planes)} control planes share an address: wanted a free one"
                " of their network, which they will hold",
                involves=(NODES,),
            )
        return
    for node in cluster.nodes:
        if node.address == endpoint and (several or not node.is_control_plane):
            yield Mistake(
                ENDPOINT,
                f"{endpoint} is the address of {node.name}, wanted a free one of the control planes' network",
                involves=(NODES,),
            )


def pod_network_fits(cluster: Cluster) -> Iterator[Mistake]:
    """There is a /24 of pods for every node."""
    network, nodes = cluster.kubernetes.pod_cidr, len(cluster.nodes)
    if not WIDEST_POD <= network.prefixlen <= NODE_PREFIX:
        yield Mistake(
            POD_CIDR, f"found {network}, wanted a network between /8 and /24: a node gets a /24 of it"
        )
    elif (room := 2 ** (NODE_PREFIX - network.prefixlen)) < nodes:
        yield Mistake(
            POD_CIDR,
            f"{network} has room for {room} node{'s' if room > 1 else ''}, there are {nodes};"
            " a node gets a /24 of it: take a wider one",
            involves=(NODES,),
        )


def service_network_fits(cluster: Cluster) -> Iterator[Mistake]:
    """Services have as many addresses as kubeadm accepts."""
    network = cluster.kubernetes.service_cidr
    if not WIDEST_SERVICE <= network.prefixlen <= NARROWEST_SERVICE:
        yield Mistake(SERVICE_CIDR, f"found {network}, wanted a network between /12 and /28")


def ranges_are_disjoint(cluster: Cluster) -> Iterator[Mistake]:
    """Pods, Services and the load balancer have addresses of their own."""
    for (place, text, one), (other_place, other_text, other) in combinations(_ranges(cluster), 2):
        if one.overlaps(other):
            yield Mistake(
                other_place,
                f"{other_text} overlaps {_dotted(place)}, {text}; wanted ranges that share no address",
                involves=(place,),
            )


def hosts_are_outside(cluster: Cluster) -> Iterator[Mistake]:
    """No node's address, nor the endpoint, lies among the pods', the Services' or the pool's."""
    kubernetes = cluster.kubernetes
    taken: list[tuple[Place, str, IPv4Address]] = [
        (("nodes", index, "address"), node.name, node.address) for index, node in enumerate(cluster.nodes)
    ]
    if kubernetes.endpoint is not None and kubernetes.endpoint not in {address for _, _, address in taken}:
        taken.append((ENDPOINT, "kubernetes.endpoint", kubernetes.endpoint))
    for place, text, found in _ranges(cluster):
        for owner, name, address in taken:
            if address in found:
                yield Mistake(
                    place,
                    f"{text} holds {address}, the address of {name}; wanted a range without it",
                    involves=(owner,),
                )


def pool_is_written_well(cluster: Cluster) -> Iterator[Mistake]:
    """Every entry of the pool is a range, and so is the DHCP server's."""
    balancer = cluster.load_balancer
    if balancer is None:
        return
    entries: list[tuple[Place, str]] = [((*POOL, index), text) for index, text in enumerate(balancer.pool)]
    if balancer.dhcp_range is not None:
        entries.append((DHCP, balancer.dhcp_range))
    for place, text in entries:
        try:
            AddressRange.parse(text)
        except ValueError as error:
            why = f": {error}" if "above" in str(error) else ""
            yield Mistake(place, f'found "{text}"{why}, wanted {RANGE}')


def pool_is_near(cluster: Cluster) -> Iterator[Mistake]:
    """The pool lies in a network of the hosts, or nobody would ask for its addresses there."""
    if cluster.load_balancer is None or cluster.load_balancer.outside_subnet:
        return
    subnets = sorted({subnet_of(node.address) for node in cluster.nodes})
    for place, text, found in _pool(cluster):
        if not _covered(found, subnets):
            yield Mistake(
                place,
                f"{text} is not in a network of the hosts, {', '.join(map(str, subnets))} (a /24 is assumed);"
                " wanted one inside, or load_balancer.outside_subnet: true",
                involves=(NODES, ("load_balancer", "outside_subnet")),
            )


def pool_is_not_leased(cluster: Cluster) -> Iterator[Mistake]:
    """The network's DHCP server gives away none of the pool."""
    leased = _parsed(cluster.load_balancer.dhcp_range) if cluster.load_balancer else None
    for place, text, found in _pool(cluster):
        if leased and found.overlaps(leased):
            yield Mistake(
                place,
                f"{text} overlaps what DHCP gives away, {leased.first}-{leased.last};"
                " wanted addresses that nobody else gives away",
                involves=(DHCP,),
            )


def _covered(found: AddressRange, subnets: list[IPv4Network]) -> bool:
    touched = int(found.last) // 256 - int(found.first) // 256 + 1
    return touched <= len(subnets) and all(subnet in subnets for subnet in found.subnets())


def _ranges(cluster: Cluster) -> list[tuple[Place, str, AddressRange]]:
    """Return the ranges of pods, of Services and of the pool."""
    pods, services = cluster.kubernetes.pod_cidr, cluster.kubernetes.service_cidr
    return [
        (POD_CIDR, str(pods), AddressRange.of(pods)),
        (SERVICE_CIDR, str(services), AddressRange.of(services)),
        *_pool(cluster),
    ]


def _pool(cluster: Cluster) -> Iterator[tuple[Place, str, AddressRange]]:
    """Yield the entries of the pool that can be read."""
    for index, text in enumerate(cluster.load_balancer.pool if cluster.load_balancer else ()):
        if found := _parsed(text):
            yield (*POOL, index), text, found


def _parsed(text: str | None) -> AddressRange | None:
    try:
        return AddressRange.parse(text) if text is not None else None
    except ValueError:
        return None


def _dotted(place: Place) -> str:
    return ".".join(part for part in place if isinstance(part, str))


ADDRESS_RULES: tuple[Callable[[Cluster], Iterator[Mistake]], ...] = (
    addresses_are_hosts,
    endpoint_can_move,
    pod_network_fits,
    service_network_fits,
    ranges_are_disjoint,
    hosts_are_outside,
    pool_is_written_well,
    pool_is_near,
    pool_is_not_leased,
)
