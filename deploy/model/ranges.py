"""Ranges of addresses, written as a network or as first-last."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Self

# what an inventory does not say; preflight looks at the hosts' real masks
ASSUMED_PREFIX = 24


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The addresses from first to last, both included."""

    first: IPv4Address
    last: IPv4Address

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `192.168.1.240-192.168.1.250`, `192.168.1.240/28` or one address; raise ValueError."""
        first, dash, last = (part.strip() for part in text.partition("-"))
        if not dash:
            return cls.of(IPv4Network(first))
        found = cls(IPv4Address(first), IPv4Address(last))
        if found.first > found.last:
            raise ValueError("its first address is above its last")
        return found

    @classmethod
    def of(cls, network: IPv4Network) -> Self:
        """Return all addresses of a network."""
        return cls(network.network_address, network.broadcast_address)

    def __contains__(self, address: IPv4Address) -> bool:
        return self.first <= address <= self.last

    def overlaps(self, other: AddressRange) -> bool:
        """Say whether an address is in both."""
        return self.first <= other.last and other.first <= self.last

    def subnets(self) -> Iterator[IPv4Network]:
        """Yield the networks of the assumed size that the range touches, in order."""
        size = 2 ** (32 - ASSUMED_PREFIX)
        start = int(self.first) // size * size
        for base in range(start, int(self.last) + 1, size):
            yield IPv4Network((base, ASSUMED_PREFIX))


def subnet_of(address: IPv4Address) -> IPv4Network:
    """Return the network that an address is assumed to be in."""
    return IPv4Network((address, ASSUMED_PREFIX), strict=False)
