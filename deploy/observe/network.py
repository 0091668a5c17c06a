"""A host's interfaces, addresses, routes and neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network

from deploy.observe.pairs import UnreadableError, number, words

COMMAND = """
command -v ip >/dev/null || exit 127
for d in /sys/class/net/*; do
  [ -e "$d/address" ] || continue
  mtu=; mac=; numa=; wifi=no
  read -r mtu < "$d/mtu"; read -r mac < "$d/address"; read -r numa < "$d/device/numa_node"
  [ -d "$d/wireless" ] || [ -d "$d/phy80211" ] && wifi=yes
  echo "link name=${d##*/} mtu=$mtu mac=$mac wifi=$wifi numa=$numa"
done
set -f; IFS='
'
for line in $(ip -o -4 addr show); do echo "addr $line"; done
for line in $(ip -4 route show); do echo "route $line"; done
n=0; for line in $(ip -4 neigh show); do [ $((n += 1)) -le 500 ] && echo "neigh $line"; done
:
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface."""

    name: str
    mtu: int | None
    mac: str
    wifi: bool
    numa: int | None


@dataclass(frozen=True, slots=True)
class Address:
    """An address on an interface; `dynamic` is one that a DHCP server lent."""

    link: str
    interface: IPv4Interface
    dynamic: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A route; `destination` 0.0.0.0/0 is the way out."""

    destination: IPv4Network
    link: str | None
    via: IPv4Address | None


@dataclass(frozen=True, slots=True)
class Network:
    """All of it. `neighbours` holds the addresses that answered ARP lately, with their MAC."""

    links: tuple[Link, ...]
    addresses: tuple[Address, ...]
    routes: tuple[Route, ...]
    neighbours: tuple[tuple[IPv4Address, str], ...]

    def link(self, name: str) -> Link | None:
        """Return the interface of that name."""
        return next((link for link in self.links if link.name == name), None)

    def at(self, address: IPv4Address) -> Address | None:
        """Return where an address sits on this host."""
        return next((each for each in self.addresses if each.interface.ip == address), None)

    def link_of(self, address: IPv4Address) -> Link | None:
        """Return the interface that an address sits on."""
        found = self.at(address)
        return None if found is None else self.link(found.link)

    @property
    def gateways(self) -> tuple[IPv4Address, ...]:
        """The routers that lead out."""
        return tuple(route.via for route in self.routes if route.via and route.destination.prefixlen == 0)


def _after(parts: list[str], word: str) -> str | None:
    return parts[parts.index(word) + 1] if word in parts[:-1] else None


def _link(line: str) -> Link:
    found = words(line)
    numa = found.get("numa", "")
    return Link(
        name=found.get("name", ""),
        mtu=number(found.get("mtu")),
        mac=found.get("mac", ""),
        wifi=found.get("wifi") == "yes",
        numa=number(numa),
    )


def _address(line: str) -> Address | None:
    parts = line.split()
    written = _after(parts, "inet")
    if written is None or len(parts) < 2:
        return None
    return Address(parts[1].rstrip(":").partition("@")[0], IPv4Interface(written), "dynamic" in parts)


def _route(line: str) -> Route | None:
    parts = line.split()
    if not parts or not (parts[0] == "default" or parts[0][0].isdigit()):
        return None  # unreachable, blackhole, local and the like lead nowhere
    via = _after(parts, "via")
    return Route(
        destination=IPv4Network("0.0.0.0/0" if parts[0] == "default" else parts[0], strict=False),
        link=_after(parts, "dev"),
        via=IPv4Address(via) if via and via[0].isdigit() and ":" not in via else None,
    )


def _neighbour(line: str) -> tuple[IPv4Address, str] | None:
    parts = line.split()
    mac = _after(parts, "lladdr")
    return (IPv4Address(parts[0]), mac) if parts and mac and "FAILED" not in parts else None


def parse(text: str) -> Network:
    """Read the tagged lines; a host without any address could not be read."""
    tagged: dict[str, list[str]] = {"link": [], "addr": [], "route": [], "neigh": []}
    for line in text.splitlines():
        tag, _, rest = line.partition(" ")
        tagged.get(tag, []).append(rest)
    try:
        addresses = tuple(found for found in map(_address, tagged["addr"]) if found)
        routes = tuple(found for found in map(_route, tagged["route"]) if found)
        neighbours = tuple(found for found in map(_neighbour, tagged["neigh"]) if found)
    except (AddressValueError, ValueError) as error:
        raise UnreadableError(f"ip printed what is no address: {error}") from error
    if not addresses:
        raise UnreadableError("ip printed no address")
    return Network(tuple(_link(line) for line in tagged["link"]), addresses, routes, neighbours)
