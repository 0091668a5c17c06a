"""The load balancer has the declared addresses to give, and somebody announces them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, collapse_addresses, summarize_address_range

from checks.cluster.snapshot import Object, Snapshot, name_of
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster

# k3s-io/cloud-provider pkg/cloudprovider/servicelb.go
SERVICELB = "svclb-"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


def networks(text: str) -> list[IPv4Network]:
    """Return a pool's range (`A-B`, `A/len` or one address) as networks."""
    first, dash, last = text.partition("-")
    if dash:
        return [*summarize_address_range(IPv4Address(first.strip()), IPv4Address(last.strip()))]
    return [IPv4Network(text.strip(), strict=False)]


def one_owner(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """k3s' own load balancer gives no address away beside the declared one; it makes a DaemonSet for each."""
    if cluster.load_balancer is None or not cluster.is_k3s:
        return
    daemonsets = seen.items("daemonsets")
    if daemonsets is None:
        yield unread("LB-01", None, seen.cause("daemonsets"))
        return
    names = sorted(name_of(each) for each in daemonsets if name_of(each).startswith(SERVICELB))
    told = f"metallb and {', '.join(names)}" if names else "metallb alone"
    yield judged("LB-01", None, not names, found=told, wanted="metallb alone")


def pool(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """The pools hold exactly the declared addresses, and an L2 advertisement announces them."""
    if cluster.load_balancer is None:
        return
    pools, advertisements = seen.items("pools"), seen.items("advertisements")
    if pools is None or advertisements is None:
        yield unread("LB-03", None, seen.cause("pools" if pools is None else "advertisements"))
        return
    found = [text for each in pools for text in each.get("spec", {}).get("addresses") or ()]
    announced = any(_announces(each, pools) for each in advertisements)
    wanted = list(cluster.load_balancer.pool)
    equal = _addresses(found) == _addresses(wanted) and bool(found)
    yield judged(
        "LB-03",
        None,
        equal and announced,
        found=f"{', '.join(found) or 'no address'}, {'announced' if announced else 'announced by nobody'}",
        wanted=f"{', '.join(wanted)}, announced",
    )


def _addresses(ranges: Sequence[str]) -> set[IPv4Network]:
    try:
        return {*collapse_addresses(net for text in ranges for net in networks(text))}
    except ValueError:
        return set()


def _announces(advertisement: Object, pools: Sequence[Object]) -> bool:
    """Say whether an advertisement is for at least one of the pools; one without a list is for all."""
    spec = advertisement.get("spec") or {}
    named = spec.get("ipAddressPools") or ()
    return not named or any(name_of(each) in named for each in pools)


def announcers(cluster: Cluster, seen: Snapshot) -> Iterator[Finding]:
    """At least one node that runs a speaker is not excluded from load balancers."""
    if cluster.load_balancer is None:
        return
    nodes, pods = seen.items("nodes"), seen.items("pods")
    if nodes is None or pods is None:
        yield unread("LB-02", None, seen.cause("nodes" if nodes is None else "pods"))
        return
    speaking = {pod["spec"].get("nodeName") for pod in pods if "speaker" in name_of(pod)}
    there = {name_of(node): node["metadata"].get("labels") or {} for node in nodes}
    excluded = sorted(name for name in speaking & there.keys() if EXCLUDED in there[name])
    able = sorted(speaking & there.keys() - {*excluded})
    told = f", excluded: {', '.join(excluded)}" if excluded else ""
    yield judged(
        "LB-02",
        None,
        bool(able),
        found=f"{', '.join(able) or 'no node'} can announce{told}",
        wanted="at least one node can",
    )
