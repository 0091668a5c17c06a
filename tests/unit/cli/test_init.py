from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from click.testing import CliRunner

from checks.preflight.proposal import proposal
from deploy import render
from deploy.cli.init import TEMPLATE, _summary, init
from deploy.errors import InventoryError
from deploy.model import load_cluster
from deploy.observe.pci import Bus
from tests.unit.checks.machines import device, healthy, with_arcs

WRITTEN = """\
# home: written by `slipway init` from what 2 hosts said of themselves. Read it through; it is yours.
#   slipway validate home.yaml
#   slipway artifacts lock home.yaml
#   slipway preflight home.yaml
#   slipway plan home.yaml
#   slipway apply home.yaml
# Every key, with what changing it later means: slipway validate --schema
name: home

kubernetes:
  distribution: kubeadm
  version: v1.36.3
  # No route and no name server of any host lies in these. They cannot be changed later.
  pod_cidr: 10.42.0.0/16
  service_cidr: 10.43.0.0/16

ssh:
  user: ops
  port: 2222
  # key: ~/.ssh/id_ed25519 # without it: the keys of the SSH agent and of ~/.ssh

nodes:
  # Debian GNU/Linux 12 (bookworm), 8 CPUs, 32 GiB
  # disks nvme0n1 500 GiB; 150 GiB free in /var
  - name: w1
    address: 192.168.1.11
    roles: [control-plane]
  # Debian GNU/Linux 12 (bookworm), 8 CPUs, 32 GiB
  # disks nvme0n1 500 GiB; 150 GiB free in /var
  - name: g1
    address: 192.168.1.12
    roles: [worker]
    gpus: {vendor: intel, model: "A770", count: 2, allocation: dra}

host:
  time: chrony # or timesyncd; none leaves the clock to you

# Addresses for Services. Nobody answered ARP for any of them; keep them out of your router's DHCP range,
# and say here what that range is (dhcp_range).
load_balancer:
  pool: [192.168.1.241-192.168.1.251]

# Volumes, an object store, a registry and models, each with its keys: inventories/homelab.yaml
# storage:
# object_store:
# registry:
# models:
"""


def test_the_inventory_is_written_with_its_reasons_and_is_valid(tmp_path: Path) -> None:
    hosts = [(IPv4Address("192.168.1.11"), healthy()), (IPv4Address("192.168.1.12"), with_arcs())]

    text = render.template(
        TEMPLATE, cluster="home", path="home.yaml", proposal=proposal(hosts, ()), version="v1.36.3",
        user="ops", port=2222, key=None, mirror=None, registry_mirror=None, probed=True, expires="2027-06-30",
    )  # fmt: skip

    assert text.decode() == WRITTEN
    file = tmp_path / "home.yaml"
    file.write_bytes(text)
    assert [node.name for node in load_cluster(file).nodes] == ["w1", "g1"]


def test_a_card_of_an_unknown_id_is_left_to_be_named_in_a_valid_inventory(tmp_path: Path) -> None:
    unknown = Bus(True, (device("0000:01:00.0", "10de", "9999", None, bar=0),))
    hosts = [(IPv4Address("192.168.1.11"), replace(healthy(), pci=unknown))]

    text = render.template(
        TEMPLATE, cluster="home", path="home.yaml", proposal=proposal(hosts, ()), version="v1.36.3",
        user="ops", port=22, key=None, mirror=None, registry_mirror=None, probed=True, expires="2027-06-30",
    )  # fmt: skip

    assert (
        "    roles: [control-plane]\n"
        "    # NAME is what nvidia calls the card 10de:9999, such as RTX 4070:\n"
        "    # gpus: {vendor: nvidia, model: NAME, count: 1, allocation: device-plugin}\n"
    ) in text.decode()
    file = tmp_path / "home.yaml"
    file.write_bytes(text)
    assert load_cluster(file).gpu_nodes() == ()


def test_cards_of_several_models_are_a_list_of_those_that_are_known(tmp_path: Path) -> None:
    arcs = with_arcs()
    assert arcs.pci is not None
    first = arcs.pci.devices[1]
    more = (
        replace(first, slot="0000:0b:00.0", device="e20b"),
        device("0000:0d:00.0", "10de", "9999", None, bar=0),
    )
    host = replace(arcs, pci=Bus(True, (*arcs.pci.devices, *more)))
    hosts = [(IPv4Address("192.168.1.11"), host)]

    text = render.template(
        TEMPLATE, cluster="home", path="home.yaml", proposal=proposal(hosts, ()), version="v1.36.3",
        user="ops", port=22, key=None, mirror=None, registry_mirror=None, probed=True, expires="2027-06-30",
    )  # fmt: skip

    assert (
        "    gpus:\n"
        '      - {vendor: intel, model: "A770", count: 2, allocation: dra}\n'
        '      - {vendor: intel, model: "B580", count: 1, allocation: dra}\n'
        "      # NAME is what nvidia calls the card 10de:9999, such as RTX 4070:\n"
        "      # - {vendor: nvidia, model: NAME, count: 1, allocation: device-plugin}\n"
    ) in text.decode()
    file = tmp_path / "home.yaml"
    file.write_bytes(text)
    assert [gpus.model for _, gpus in load_cluster(file).declared_gpus()] == ["A770", "B580"]
    assert _summary(proposal(hosts, ())) == (
        "  g1 192.168.1.11 control-plane, 2x intel A770, 1x intel B580, 1x nvidia 10de:9999 (give it its name"
        " in the file)"
    )


def test_cards_that_are_all_unknown_leave_no_list_behind(tmp_path: Path) -> None:
    cards = [device(f"0000:0{slot}:00.0", "10de", f"999{slot}", None, bar=0) for slot in (1, 2)]
    hosts = [(IPv4Address("192.168.1.11"), replace(healthy(), pci=Bus(True, tuple(cards))))]

    text = render.template(
        TEMPLATE, cluster="home", path="home.yaml", proposal=proposal(hosts, ()), version="v1.36.3",
        user="ops", port=22, key=None, mirror=None, registry_mirror=None, probed=True, expires="2027-06-30",
    )  # fmt: skip

    assert "    # gpus:\n      # NAME is" in text.decode()
    file = tmp_path / "home.yaml"
    file.write_bytes(text)
    assert load_cluster(file).gpu_nodes() == ()


def test_a_file_is_never_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "home.yaml"
    file.write_text("mine")

    with pytest.raises(InventoryError) as caught:
        init.main(["home", "192.0.2.1", "--file", str(file)], standalone_mode=False)

    assert str(caught.value) == f"{file}: already there, and never overwritten; name another by --file"
    assert file.read_text() == "mine"


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        (
            ["192.0.2.1", "box.home.arpa"],
            '"box.home.arpa" is no IPv4 address such as 192.168.1.10; hosts are given by theirs',
        ),
        (["192.0.2.1", "192.0.2.1"], "an address is given twice"),
    ],
)
def test_hosts_are_given_by_address_and_once(hosts: list[str], said: str) -> None:
    done = CliRunner().invoke(init, ["home", *hosts])

    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    ("name", "host", "said"),
    [
        (
            "My_Home",
            "192.0.2.1",
            (
                'name: found "My_Home", wanted a name of at most 63 lower-case letters, digits and hyphens,'
                " such as node-1"
            ),
        ),
        (
            "home",
            "127.0.0.1",
            (
                "nodes[0].address: 127.0.0.1 is no address that other hosts can reach; wanted one that is\n"
                "  ssh.key: /none is not a file; name the private key that the hosts know, or make one with"
                " ssh-keygen"
            ),
        ),
    ],
)
def test_what_no_inventory_can_hold_is_said_before_a_host_is_asked(
    tmp_path: Path, name: str, host: str, said: str
) -> None:
    options = ["--key", "/none", "--file", str(tmp_path / "home.yaml")]

    with pytest.raises(InventoryError) as caught:
        init.main([name, host, *options], standalone_mode=False)

    assert str(caught.value) == f"No host was asked, and no inventory was written:\n  {said}"
