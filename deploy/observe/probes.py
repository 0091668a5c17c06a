"""What files/preflight/probe.py found: sync times, who was reached, who answers ARP, how fast files come."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from deploy.observe.pairs import UnreadableError

NO_PYTHON = 127


@dataclass(frozen=True, slots=True)
class Probed:
    """Each is None when it was not tried or failed, and `failures` then says how.

    `fsync` in milliseconds; `mesh` by peer whether tcp, udp and mtu (a packet of full size) got through,
    without those whose port the host uses itself; `arp` the MACs that answered; `speed` in MB/s.
    """

    fsync: tuple[float, ...] | None = None
    mesh: dict[str, dict[str, bool]] | None = None
    arp: dict[IPv4Address, str] | None = None
    speed: float | None = None
    failures: dict[str, str] | None = None


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 <= found < 1e9 else None


def _address(text: str) -> IPv4Address | None:
    try:
        return IPv4Address(text)
    except ValueError:
        return None


def parse(text: str) -> Probed:
    """Read the lines of a probe that may have been cut off: what it finished counts."""
    syncs: list[float] = []
    mesh: dict[str, dict[str, bool]] = {}
    arp: dict[IPv4Address, str] = {}
    failures: dict[str, str] = {}
    ran: set[str] = set()
    speed = None
    for line in text.splitlines():
        match line.split(" "):
            case ["fsync", value] if (taken := _number(value)) is not None:
                syncs.append(taken)
            case ["mesh", peer, kind, ("ok" | "no") as got]:
                mesh.setdefault(peer, {})[kind] = got == "ok"
            case ["arp", address, mac] if (known := _address(address)) is not None:
                arp[known] = mac
            case ["speed", value]:
                speed = _number(value)
            case ["ran", name]:
                ran.add(name)
            case ["failed", name, *why]:
                failures[name] = " ".join(why)
    if not ran and not failures:
        raise UnreadableError("the probe said nothing")
    return Probed(
        fsync=tuple(syncs) if "fsync" in ran and syncs else None,
        mesh=mesh if "mesh" in ran else None,
        arp=arp if "arp" in ran else None,
        speed=speed if "speed" in ran else None,
        failures=failures,
    )
