"""Where a Gateway is asked for a model, by its own status and by the Services at its address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.model.serving import Gateway

Object = Mapping[str, Any]
HTTP = 80


@dataclass(frozen=True, slots=True)
class Front:
    """An address and a port for plain HTTP, and the host name by which a Gateway knows whom to ask."""

    address: str
    port: int
    name: str | None


def front(wanted: Gateway, live: Object, services: Iterable[Object]) -> Front | str:
    """Return where a Gateway is asked; or what it lacks, so that nobody can tell. `{}` is none.

    A listener's port is that of the Gateway's address, but for controllers that take it for their container's
    (Traefik: "the port must match a port declared in ports section", traefik-helm-chart values.yaml,
    gateway.listeners): where the Service at that address has no such port and has HTTP's, that is meant.
    """
    if not live:
        return "is not there"
    address = next(_addresses(live), None)
    if address is None:
        return "has no address in its status"
    found = next(_listeners(wanted, live), None)
    if found is None:
        return f"has no listener for {wanted.hostname or 'every name'} over plain HTTP"
    port, name = found
    published = {each["port"] for service in services if _is_at(service, address) for each in _ports(service)}
    return Front(address, HTTP if port not in published and HTTP in published else port, name)


def _addresses(live: Object) -> Iterator[str]:
    """Yield IP addresses first; without a type an address is one (apis/v1 GatewayStatusAddress)."""
    given = (live.get("status") or {}).get("addresses") or ()
    for kind in ("IPAddress", "Hostname"):
        yield from (str(each["value"]) for each in given if each.get("type", "IPAddress") == kind)


def _listeners(wanted: Gateway, live: Object) -> Iterator[tuple[int, str | None]]:
    """Yield port and host name of each listener over HTTP that has routes and takes the wanted name."""
    told = {each["name"]: each for each in (live.get("status") or {}).get("listeners") or ()}
    for each in (live.get("spec") or {}).get("listeners") or ():
        name = wanted.hostname or each.get("hostname")
        taken = _takes(each.get("hostname"), name) and not (name or "").startswith("*")
        if each.get("protocol") == "HTTP" and taken and told.get(each["name"], {}).get("attachedRoutes"):
            yield int(each["port"]), name


def _takes(pattern: str | None, name: str | None) -> bool:
    """Say whether a listener's host name has a name in it; `*.` stands for one label or more."""
    if pattern is None or name is None:
        return True
    return name == pattern or (pattern.startswith("*.") and name.endswith(pattern[1:]))


def _is_at(service: Object, address: str) -> bool:
    given = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or ()
    return any(address in (each.get("ip"), each.get("hostname")) for each in given)


def _ports(service: Object) -> Iterable[Object]:
    return (service.get("spec") or {}).get("ports") or ()
