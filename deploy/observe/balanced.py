"""What a load balancer gave a Service, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def ingress_of(service: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the places by which a Service is reached from outside: each has an `ip` or a `hostname`."""
    return ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()


def address_of(service: Mapping[str, Any]) -> str | None:
    """Return the first address that is no name; None where there is none."""
    return next((str(each["ip"]) for each in ingress_of(service) if each.get("ip")), None)
