from __future__ import annotations

from deploy.model import Cluster
from deploy.steps import endpoint

CLUSTER = Cluster.model_validate(
    {
        "name": "homelab",
        "kubernetes": {"endpoint": "10.0.0.250"},
        "nodes": [
            {"name": f"cp{number}", "address": f"10.0.0.{number}", "roles": ["control-plane"]}
            for number in (1, 2, 3)
        ],
    }
)


def lines(name: str) -> list[str]:
    content = endpoint.config(CLUSTER, CLUSTER.node(name), "eth0").content.decode()
    return [line.strip() for line in content.splitlines()]


def test_a_control_plane_holds_the_address_by_its_place_in_the_inventory() -> None:
    places = {name: [line for line in lines(name) if line.startswith("priority")] for name in ("cp1", "cp3")}

    assert places == {"cp1": ["priority 150"], "cp3": ["priority 148"]}


def test_an_ill_leader_falls_behind_the_last_healthy_one() -> None:
    assert "weight -50" in lines("cp1")
    assert endpoint.LEADER - len(CLUSTER.control_planes) > endpoint.LEADER - endpoint.PENALTY


def test_the_others_are_told_by_unicast() -> None:
    found = lines("cp2")

    start = found.index("unicast_peer {")
    assert found[start - 1 : start + 4] == [
        "unicast_src_ip 10.0.0.2",
        "unicast_peer {",
        "10.0.0.1",
        "10.0.0.3",
        "}",
    ]
    assert found[found.index("virtual_ipaddress {") + 1] == "10.0.0.250/32"


def test_all_control_planes_agree_on_the_router() -> None:
    routers = {line for name in ("cp1", "cp2", "cp3") for line in lines(name) if "virtual_router_id" in line}

    assert len(routers) == 1
    assert 1 <= int(routers.pop().split()[1]) <= 255
