"""Where a Gateway is asked: by its own status, by the name that is routed, at the port that is published."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.model.serving import Gateway
from deploy.serving.front import Front, front

IP = "10.0.0.200"
WEB = {"name": "web", "port": 80, "protocol": "HTTP"}


def found(*listeners: dict[str, Any], name: str | None = "tiny.home.arpa", **more: Any) -> Front | str:
    """Return where a Gateway with these listeners, each with a route, is asked."""
    addresses = more.get("addresses", [{"type": "IPAddress", "value": IP}])
    attached = more.get("attached", 1)
    told = [{"name": each["name"], "attachedRoutes": attached} for each in listeners]
    live = {"spec": {"listeners": listeners}, "status": {"addresses": addresses, "listeners": told}}
    return front(Gateway(name="front", namespace="gateways", hostname=name), live, more.get("services", []))


def service(*ports: int, ip: str = IP) -> dict[str, Any]:
    return {
        "spec": {"ports": [{"port": each} for each in ports]},
        "status": {"loadBalancer": {"ingress": [{"ip": ip}]}},
    }


def test_a_gateway_is_asked_at_its_listeners_port_by_the_name_that_is_routed() -> None:
    assert found(WEB) == Front(IP, 80, "tiny.home.arpa")
    assert found(WEB, name=None) == Front(IP, 80, None)
    assert found({**WEB, "port": 8080}, services=[service(80, 8080)]) == Front(IP, 8080, "tiny.home.arpa")


def test_a_listener_of_a_container_port_is_asked_where_its_service_publishes_http() -> None:
    inner = {**WEB, "port": 8000}

    assert found(inner, services=[service(80, 443)]) == Front(IP, 80, "tiny.home.arpa")
    assert found(inner, services=[service(443)]) == Front(IP, 8000, "tiny.home.arpa")
    assert found(inner, services=[service(80, ip="10.0.0.201")]) == Front(IP, 8000, "tiny.home.arpa")
    assert found(inner) == Front(IP, 8000, "tiny.home.arpa")


def test_an_address_goes_before_a_name_and_has_no_type_where_it_is_one() -> None:
    name = {"type": "Hostname", "value": "lb.example.org"}

    assert found(WEB, addresses=[name, {"value": IP}]) == Front(IP, 80, "tiny.home.arpa")
    assert found(WEB, addresses=[name]) == Front("lb.example.org", 80, "tiny.home.arpa")
    assert found(WEB, addresses=[]) == "has no address in its status"


def test_a_gateway_that_is_not_there_is_not_said_to_lack_an_address() -> None:
    assert front(Gateway(name="front", namespace="gateways"), {}, []) == "is not there"


@pytest.mark.parametrize(
    ("pattern", "name", "asked"),
    [
        ("tiny.home.arpa", "tiny.home.arpa", "tiny.home.arpa"),
        ("*.home.arpa", "tiny.home.arpa", "tiny.home.arpa"),
        ("home.arpa", None, "home.arpa"),
    ],
)
def test_a_listener_that_takes_the_name_is_asked(pattern: str, name: str | None, asked: str) -> None:
    assert found({**WEB, "hostname": pattern}, name=name) == Front(IP, 80, asked)


@pytest.mark.parametrize(
    ("listener", "name"),
    [
        ({"hostname": "other.home.arpa"}, "tiny.home.arpa"),
        ({"hostname": "*.tiny.home.arpa"}, "tiny.home.arpa"),
        ({"hostname": "*.home.arpa"}, None),
        ({"protocol": "HTTPS"}, "tiny.home.arpa"),
    ],
)
def test_a_gateway_whose_listeners_do_not_take_it_is_not_asked(
    listener: dict[str, Any], name: str | None
) -> None:
    wanted = name or "every name"
    assert found({**WEB, **listener}, name=name) == f"has no listener for {wanted} over plain HTTP"
    assert found(WEB, name=name, attached=0) == f"has no listener for {wanted} over plain HTTP"
