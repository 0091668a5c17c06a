"""How hosts reach each other, the outside, and what must not be in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network

from checks.collect.observed import Observed
from checks.finding import Severity
from checks.preflight import hub
from checks.preflight.verdicts import Case, HostJudge, Said, failed, passed, skipped
from checks.say import listed
from deploy.model.api_server import PORT
from deploy.observe.names import is_loopback
from deploy.observe.network import Network

NODE_PORTS = (10250, 10256)
CONTROL_PLANE_PORTS = (PORT, 2379, 2380, 10257, 10259)
SPEAKER_PORT = 7946
OURS = (
    "kubelet",
    "kube-proxy",
    "kube-apiserver",
    "kube-controller",
    "kube-scheduler",
    "etcd",
    "speaker",
    "k3s",
)
SERVERS = 3  # what glibc reads of resolv.conf, and Kubernetes of it
BROKEN_NFT = ((1, 8, 0), (1, 8, 3))  # k3s-io/k3s contrib/util/check-config.sh
SLOW_MIRROR = 10.0  # MB/s: a serving image of 10 GB takes a quarter of an hour
TCP = f"{PORT} 2379-2380 10250 7946"
UDP = "8472 7946"


def address(case: Case) -> Said:
    """The declared address is on an interface, for good."""
    network = case.known(case.host.network, "network")
    found = network.at(case.node.address)
    wanted = f"{case.node.address}, static"
    if found is None:
        others = [str(each.interface.ip) for each in network.addresses if not each.interface.ip.is_loopback]
        return failed(f"not on this host, which has {listed(others)}", wanted)
    if found.dynamic:
        severity = Severity.ERROR if case.node.is_control_plane else Severity.WARNING
        return failed(f"{found.interface.ip} on {found.link}, lent by DHCP", wanted, severity=severity)
    return passed(f"{found.interface.ip} on {found.link}", wanted)


def name_servers(case: Case) -> Said:
    """The file that the kubelet hands to pods names servers outside of the host."""
    names = case.known(case.host.names, "names")
    configured = case.cluster.kubernetes.kubelet.get("resolvConf")
    file = names.kubelet_file(configured if isinstance(configured, str) else None)
    wanted = f"1 to {SERVERS} servers outside of the host in {file}"
    servers = names.servers.get(file)
    if servers is None:
        return failed(f"{file} is not there", wanted)
    outside = [server for server in servers if not is_loopback(server)]
    if not outside:
        return failed(f"{file} names {listed(servers) if servers else 'no server'}", wanted)
    if len(servers) > SERVERS:
        return failed(f"{len(servers)} servers; only {SERVERS} are asked", wanted, severity=Severity.WARNING)
    return passed(f"{listed(outside)} in {file}", wanted)


def sources(case: Case) -> Said:
    """Mirror and registries answer this host."""
    if case.host.reach is None and "reach" not in case.host.causes:
        return skipped("not asked: the collection was made without addresses")
    reach = case.known(case.host.reach, "reach")
    # which nodes need the hub is judged with its models
    models = hub.urls(case.cluster)
    known = [url for url in reach.statuses if url not in models]
    wanted = f"{len(known)} sources that answer"
    if silent := [url for url in reach.silent if url in known]:
        return failed(f"no answer from {listed(silent, 3)}", wanted)
    if reach.proxy and (unspared := [name for name in _inside_names(case) if not _spared(name, reach.past)]):
        said = f"the proxy {reach.proxy} would be asked for {listed(unspared)}"
        return failed(said, f"{wanted}, no_proxy for the cluster itself", severity=Severity.WARNING)
    return passed(f"{len(known)} of {len(known)} answer", wanted)


def _inside_names(case: Case) -> tuple[str, ...]:
    kubernetes = case.cluster.kubernetes
    return (str(kubernetes.pod_cidr), str(kubernetes.service_cidr), ".svc", ".cluster.local")


def _spared(name: str, past: tuple[str, ...]) -> bool:
    return "*" in past or name in past or name.lstrip(".") in past


def _ranges(case: Case) -> Iterator[tuple[str, IPv4Network]]:
    kubernetes = case.cluster.kubernetes
    yield "pod_cidr", kubernetes.pod_cidr
    yield "service_cidr", kubernetes.service_cidr


def _own_link(name: str | None) -> bool:
    return (name or "").startswith(("cni", "flannel", "cali", "cilium", "kube-", "lxc", "vxlan.calico"))


def overlaps(case: Case) -> Said:
    """No route of this host leads into the cluster's ranges, unless the pod network made it."""
    network, names = case.known(case.host.network, "network"), case.known(case.host.names, "names")
    ranges = tuple(_ranges(case))
    wanted = " and ".join(f"{name} {network_}" for name, network_ in ranges)
    wrong = [
        f"{node.name} {node.address} lies in {name} {net}"
        for node in case.cluster.nodes
        for name, net in ranges
        if node.address in net
    ]
    if ranges[0][1].overlaps(ranges[1][1]):
        wrong.append("pod_cidr and service_cidr overlap")
    for route in network.routes:
        if route.destination.prefixlen == 0 or _own_link(route.link):
            continue
        wrong += [
            f"the route {route.destination} by {route.link} overlaps {name} {net}"
            for name, net in ranges
            if route.destination.overlaps(net)
        ]
    for server in sorted({server for each in names.servers.values() for server in each}):
        wrong += [
            f"the name server {server} lies in {name} {net}" for name, net in ranges if _inside(server, net)
        ]
    return failed(listed(wrong, 3), f"{wanted} free") if wrong else passed("free on this host", wanted)


def _inside(server: str, network: IPv4Network) -> bool:
    try:
        return IPv4Network(server).subnet_of(network)
    except ValueError:
        return False


def ports(case: Case) -> Said:
    """Nobody but this cluster listens where it will."""
    listeners = case.known(case.host.listeners, "listeners")
    needed = {*NODE_PORTS, *(CONTROL_PLANE_PORTS if case.node.is_control_plane else ())}
    if case.cluster.load_balancer:
        needed.add(SPEAKER_PORT)
    ours = case.host.remains is not None and case.host.remains.cluster == case.cluster.name
    taken = {
        f"{each.port} by {each.process or 'an unknown process'}{f' (pid {each.pid})' if each.pid else ''}"
        for each in listeners
        if each.protocol == "tcp"
        and each.port in needed
        and not (ours and (each.process is None or each.process.startswith(OURS)))
    }
    wanted = f"{listed(tuple(sorted(needed)), 10)} free"
    return (
        failed(f"taken: {listed(sorted(taken))}", wanted)
        if taken
        else passed(f"{len(needed)} ports free", wanted)
    )


def firewall(case: Case) -> Said:
    """No firewall is on whose rules we cannot see to be right."""
    found = case.known(case.host.firewall, "firewall")
    wanted = f"no firewall, or tcp {TCP} and udp {UDP} between nodes open"
    fronts = [name for name, on in (("ufw", found.ufw), ("firewalld", found.firewalld)) if on]
    if fronts:
        detail = "its rules are not read; --active tries the ports"
        return failed(
            f"{listed(fronts)} is on",
            wanted,
            detail=detail,
            severity=Severity.WARNING,
            remedy=_opening(fronts[0]),
        )
    if found.dropping:
        return failed(f"drops by default: {listed(found.dropping, 2)}", wanted, severity=Severity.WARNING)
    return passed("no firewall", wanted)


def _opening(front: str) -> str:
    if front == "ufw":
        return "ufw allow from NODE_NETWORK; ufw allow from POD_CIDR; ufw allow from SERVICE_CIDR"
    trusted = "firewall-cmd --permanent --zone=trusted --add-source=NODE_NETWORK --add-source=POD_CIDR"
    return f"{trusted}; firewall-cmd --reload"


def speed(case: Case) -> Said:
    """The mirror's files arrive fast enough."""
    if case.cluster.artifacts.mirror is None:
        return skipped("there is no mirror whose speed could be measured")
    if not case.host.active:
        return skipped("needs --active, which fetches for three seconds")
    found = case.known(case.host.speed, "speed")
    wanted = f">= {SLOW_MIRROR:g} MB/s"
    said = f"{found:.0f} MB/s"
    return passed(said, wanted) if found >= SLOW_MIRROR else failed(said, wanted)


def _mtu(case: Case, host: Observed, network: Network) -> int | None:
    node = next((node for node in case.cluster.nodes if node.name == host.host), None)
    link = network.link_of(node.address) if node else None
    return link.mtu if link else None


def datapath(case: Case) -> Said:
    """Every other node's listeners heard this host, over TCP and UDP."""
    if not case.host.active:
        return skipped("needs --active, which listens on the hosts for a moment")
    mesh = case.known(case.host.mesh, "mesh")
    peers = [node.name for node in case.cluster.nodes if node.name != case.node.name]
    if not peers:
        return skipped("there is only one node")
    deaf = [
        f"{peer} ({kind})"
        for peer in peers
        for kind in ("tcp", "udp")
        if mesh.get(peer, {kind: False}).get(kind) is False
    ]
    wanted = f"{listed(peers)} over tcp and udp"
    return (
        failed(f"does not reach {listed(deaf)}", wanted)
        if deaf
        else passed(f"reaches {listed(peers)}", wanted)
    )


def mtu(case: Case) -> Said:
    """The interface has the MTU that most hosts have; with --active the path carries it."""
    network = case.known(case.host.network, "network")
    own = _mtu(case, case.host, network)
    known = Counter(
        found for other in case.everyone if other.network and (found := _mtu(case, other, other.network))
    )
    if own is None or not known:
        return failed(
            "the node's interface has no MTU that could be read", "an MTU", severity=Severity.WARNING
        )
    most = max(known.values())
    usual = sorted(each for each in known if known[each] == most)
    if len(usual) > 1:  # which of two hosts was changed nobody can tell from here
        return failed(str(own), f"one on all hosts, not {' and '.join(map(str, usual))}")
    wanted = f"{usual[0]}, as on {most} of {sum(known.values())} hosts"
    if own != usual[0]:
        return failed(str(own), wanted)
    mesh = case.known(case.host.mesh, "mesh") if case.host.active else {}
    if short := _too_short(mesh):
        return failed(f"{own}, which the path to {listed(short)} does not carry", wanted)
    return passed(str(own), wanted)


def _too_short(mesh: Mapping[str, Mapping[str, bool]]) -> list[str]:
    """Return the peers that a small packet reaches and a full one does not."""
    return sorted(
        peer for peer, got in mesh.items() if got.get("mtu") is False and got.get("udp") is not False
    )


def wired(case: Case) -> Said:
    """The node's address sits on a cable."""
    network = case.known(case.host.network, "network")
    link = network.link_of(case.node.address)
    if link is None:
        return skipped("the node's address is on no interface, see HOST-12")
    if not link.wifi:
        return passed(f"{link.name} is wired", "a cable")
    severity = Severity.ERROR if case.node.is_control_plane else None
    return failed(f"{link.name} is Wi-Fi", "a cable", severity=severity)


def iptables(case: Case) -> Said:
    """One backend, and none that corrupts rules."""
    found = case.known(case.host.firewall, "firewall")
    wanted = "one backend, not nft 1.8.0 to 1.8.3"
    if found.iptables is None:
        return passed("iptables is not installed", wanted)
    version = ".".join(map(str, found.iptables))
    if found.backend == "nf_tables" and BROKEN_NFT[0] <= found.iptables <= BROKEN_NFT[1]:
        return failed(f"iptables {version} ({found.backend})", wanted)
    if found.backend == "nf_tables" and found.legacy_rules:
        return failed(f"iptables {version} ({found.backend}), and {found.legacy_rules} legacy rules", wanted)
    return passed(f"iptables {version} ({found.backend})", wanted)


JUDGES: dict[str, HostJudge] = {
    "HOST-12": address,
    "HOST-13": name_servers,
    "HOST-14": sources,
    "HOST-15": overlaps,
    "HOST-16": ports,
    "HOST-17": firewall,
    "HOST-18": datapath,
    "HOST-19": mtu,
    "HOST-20": wired,
    "HOST-21": iptables,
    "HOST-29": speed,
}
