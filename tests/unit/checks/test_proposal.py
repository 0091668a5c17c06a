from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from checks.collect.observed import Observed
from checks.preflight.proposal import ProposedGpus, ProposedNode, candidates, proposal
from deploy.model import Allocation, TimeSync, Vendor
from deploy.observe.cgroup import Cgroup
from deploy.observe.confinement import Confinement
from deploy.observe.network import Route
from deploy.observe.pci import Bus
from tests.unit.checks.machines import device, everyone, healthy, with_arcs

Hosts = list[tuple[IPv4Address, Observed]]


def found(*hosts: Observed) -> Hosts:
    return [(IPv4Address(f"192.168.1.1{number}"), host) for number, host in enumerate(hosts)]


def test_the_host_without_gpus_runs_the_control_plane() -> None:
    made = proposal(found(with_arcs("g1", "192.168.1.10"), healthy("box", "192.168.1.11")), ())

    assert made.nodes == (
        ProposedNode(
            "g1",
            IPv4Address("192.168.1.10"),
            control_plane=False,
            gpus=(ProposedGpus(Vendor.INTEL, "A770", 2, Allocation.DRA),),
            notes=(
                "Debian GNU/Linux 12 (bookworm), 8 CPUs, 32 GiB",
                "disks nvme0n1 500 GiB; 150 GiB free in /var",
            ),
        ),
        ProposedNode(
            "box",
            IPv4Address("192.168.1.11"),
            control_plane=True,
            gpus=(),
            notes=(
                "Debian GNU/Linux 12 (bookworm), 8 CPUs, 32 GiB",
                "disks nvme0n1 500 GiB; 150 GiB free in /var",
            ),
        ),
    )


def test_hosts_of_one_name_or_none_get_names_of_their_own() -> None:
    made = proposal(found(healthy("debian"), healthy("debian"), healthy("GPU_box.home.arpa")), ())

    assert [node.name for node in made.nodes] == ["node1", "node2", "gpu-box"]


def test_cards_of_two_models_are_declared_each_by_itself() -> None:
    host = with_arcs()
    own, first, second = host.pci.devices  # type: ignore[union-attr]
    host = replace(
        host, pci=Bus(True, (own, first, second, replace(second, slot="0000:0b:00.0", device="e20b")))
    )

    [node] = proposal(found(host), ()).nodes

    assert node.gpus == (
        ProposedGpus(Vendor.INTEL, "A770", 2, Allocation.DRA),
        ProposedGpus(Vendor.INTEL, "B580", 1, Allocation.DRA),
    )


def test_two_models_of_nvidias_on_one_host_are_claimed_on_all() -> None:
    """Its device plugin offers both under one name, and its operator serves all nodes in one way."""
    cards = [
        device(f"0000:0{slot}:00.0", "10de", id_, None, bar=0) for slot, id_ in ((1, "2330"), (2, "2684"))
    ]
    hosts = [replace(healthy(f"n{count}"), pci=Bus(True, tuple(cards[:count]))) for count in (1, 2)]

    made = proposal(found(*hosts), ())

    assert [[(each.model, each.allocation) for each in node.gpus] for node in made.nodes] == [
        [("H100", Allocation.DRA)],
        [("H100", Allocation.DRA), ("RTX 4090", Allocation.DRA)],
    ]


def test_a_card_of_an_unknown_id_is_left_to_be_named() -> None:
    host = replace(healthy(), pci=Bus(True, (device("0000:01:00.0", "10de", "9999", None, bar=0),)))

    [node] = proposal(found(host), ()).nodes

    assert node.gpus == (ProposedGpus(Vendor.NVIDIA, "10de:9999", 1, Allocation.DEVICE_PLUGIN, known=False),)


def test_the_pool_is_the_last_free_row_of_the_network() -> None:
    made = proposal(found(*everyone()), ())

    assert made.pool == (IPv4Address("192.168.1.241"), IPv4Address("192.168.1.251"))


def test_the_pool_keeps_clear_of_whoever_answers() -> None:
    made = proposal(found(*everyone()), [IPv4Address("192.168.1.245")])

    assert made.pool == (IPv4Address("192.168.1.234"), IPv4Address("192.168.1.244"))


def test_no_pool_is_better_than_one_in_use() -> None:
    hosts = found(*everyone())

    assert proposal(hosts, candidates(hosts)).pool is None


def test_ranges_keep_clear_of_routes() -> None:
    host = healthy()
    vpn = Route(IPv4Network("10.0.0.0/8"), "wg0", None)
    network = replace(host.network, routes=(*host.network.routes, vpn))  # type: ignore[type-var, union-attr]

    made = proposal(found(replace(host, network=network)), ())

    assert (made.pod_cidr, made.service_cidr) == (IPv4Network("172.28.0.0/16"), IPv4Network("172.29.0.0/16"))


def test_the_keeper_of_the_clocks_stays() -> None:
    host = healthy()
    kept = replace(host, clock=replace(host.clock, keeper="systemd-timesyn"))  # type: ignore[type-var]

    assert proposal(found(kept), ()).time is TimeSync.TIMESYNCD


def test_what_containers_lack_is_found_out() -> None:
    host = replace(
        healthy(),
        cgroup=Cgroup(1, frozenset()),
        confinement=Confinement("podman", 20000, 4096, may_raise_limits=False),
    )

    made = proposal(found(host), ())

    assert (made.cgroup_v1, made.confined, made.may_raise_limits, made.time) == (
        True, (20000, 4096), False, TimeSync.NONE,
    )  # fmt: skip


def test_a_host_that_said_little_is_proposed_all_the_same() -> None:
    [node] = proposal([(IPv4Address("192.168.1.10"), Observed(host="host1"))], ()).nodes

    assert node == ProposedNode("node1", IPv4Address("192.168.1.10"), True, (), ())
