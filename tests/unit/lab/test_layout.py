from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest

from deploy.lab.errors import LabUsageError
from deploy.lab.layout import Layout, command, mac

LAYOUT = Layout("blue", IPv4Network("10.89.9.0/24"))


def test_a_host_is_a_whole_machine_with_its_own_cgroups_limits_and_volumes() -> None:
    assert LAYOUT.host("n2", "localhost/host:1") == [
        "--runtime=runc",
        "create",
        "--name=slipway-blue-n2",
        "--hostname=n2",
        "--label=slipway.lab=blue",
        "--network=slipway-blue",
        "--ip=10.89.9.12",
        "--mac-address=02:42:0a:59:09:0c",
        "--ulimit=nofile=20000:20000",
        "--ulimit=nproc=4096:4096",
        "--privileged",
        "--cgroupns=private",
        "--systemd=false",
        "--env=container=podman",
        "--stop-signal=SIGRTMIN+3",
        "--tmpfs=/run:mode=755",
        "--tmpfs=/run/lock",
        "--tmpfs=/tmp:mode=1777",
        "--pids-limit=-1",
        "--no-hosts",
        "--dns-search=.",
        "--volume=slipway-blue-n2-containerd:/var/lib/containerd",
        "--volume=slipway-blue-n2-kubelet:/var/lib/kubelet",
        "--volume=slipway-blue-n2-etcd:/var/lib/etcd",
        "--volume=slipway-blue-n2-rancher:/var/lib/rancher",
        "localhost/host:1",
        "/sbin/init",
    ]


def test_a_server_sees_what_it_serves_and_cannot_change_it() -> None:
    arguments = LAYOUT.service("mirror", IPv4Address("10.89.9.2"), "image", {"/cache": "/srv"}, "--label=a=b")

    assert arguments == [
        "--runtime=runc",
        "create",
        "--name=slipway-blue-mirror",
        "--hostname=mirror",
        "--label=slipway.lab=blue",
        "--network=slipway-blue",
        "--ip=10.89.9.2",
        "--mac-address=02:42:0a:59:09:02",
        "--ulimit=nofile=20000:20000",
        "--ulimit=nproc=4096:4096",
        "--volume=/cache:/srv:ro",
        "--label=a=b",
        "image",
    ]


def test_the_network_carries_the_labs_name() -> None:
    assert LAYOUT.network() == [
        "network",
        "create",
        "--disable-dns",
        "--subnet=10.89.9.0/24",
        "--label=slipway.lab=blue",
        "slipway-blue",
    ]


def test_hosts_are_numbered_from_eleven() -> None:
    assert [str(LAYOUT.address(node)) for node in LAYOUT.nodes(3)] == [
        "10.89.9.11",
        "10.89.9.12",
        "10.89.9.13",
    ]


def test_mirror_and_registry_have_fixed_addresses() -> None:
    assert (LAYOUT.mirror, LAYOUT.registry) == ("http://10.89.9.2:8080", "http://10.89.9.3:5000")


def test_a_mac_follows_from_the_address() -> None:
    assert mac(IPv4Address("10.89.7.250")) == "02:42:0a:59:07:fa"


def test_a_subnet_that_is_no_24_is_refused() -> None:
    with pytest.raises(LabUsageError) as refused:
        Layout("lab", IPv4Network("10.89.0.0/16"))

    assert str(refused.value) == (
        "--subnet is 10.89.0.0/16; the lab numbers its hosts .11 to .190 and needs a /24, "
        "such as 10.89.7.0/24"
    )


def test_a_lab_without_hosts_is_refused() -> None:
    with pytest.raises(LabUsageError, match=r"^--nodes is 0; a lab has 1 to 180 hosts$"):
        LAYOUT.nodes(0)


@pytest.mark.parametrize("name", ["", "Lab", "a_b", "-a", "a/../b", "x" * 41])
def test_a_name_that_podman_or_a_path_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(LabUsageError) as refused:
        Layout(name)

    assert str(refused.value) == (
        f"--name is {name!r}; a lab's name has 1 to 40 letters a-z, digits and dashes, "
        "and begins with a letter"
    )


def test_a_lab_that_is_not_the_default_one_is_named_in_what_an_operator_is_told_to_run() -> None:
    assert command("ssh", "lab") == "slipway lab ssh"
    assert command("fix", "blue") == "slipway lab fix --name blue"
