"""The lab itself: brought up, reconciled, taken away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from ipaddress import IPv4Network

import pytest

from deploy.lab import Lab, LabUsageError
from deploy.lab.run import podman
from deploy.model import paths
from tests.lab.conftest import running

NAME, THIRD = "test-lab", 29


@pytest.fixture(scope="module")
def small() -> Iterator[Lab]:
    yield from running(NAME, THIRD, 1)


def identities(lab: Lab) -> dict[str, str]:
    """Return every container of a lab with podman's own identity of it."""
    names = [each.name for each in lab.containers()]
    return {name: podman("container", "inspect", "--format={{.Id}}", name) for name in names}


def left_behind(name: str) -> str:
    """Return whatever podman or the kernel still has of a lab."""
    prefix = f"slipway-{name}"
    listed = [podman("ps", "--all", "--format={{.Names}}"), podman("volume", "ls", "--quiet")]
    listed += [podman("network", "ls", "--format={{.Name}}")]
    with open("/proc/mounts") as mounts:  # noqa: PTH123
        listed += [mounts.read()]
    return "\n".join(line for text in listed for line in text.splitlines() if prefix in line)


def ssh(lab: Lab, login: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run `sudo -n id -un` on the host, knowing no key but those that the lab pinned."""
    return subprocess.run(
        [
            "ssh",
            *("-i", str(lab.key), "-oStrictHostKeyChecking=yes", "-oBatchMode=yes"),
            f"-oUserKnownHostsFile={paths.known_hosts(lab.name)}",
            *options,
            f"{login}@{lab.address('n1')}",
            "sudo -n id -un",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_second_up_leaves_what_is_there_as_it_is(small: Lab) -> None:
    before = identities(small)

    small.up()

    assert identities(small) == before


def test_a_stopped_host_is_started_again(small: Lab) -> None:
    small.stop("n1")

    small.up()

    assert [each.state for each in small.containers()] == ["running", "running", "running"]


def test_a_host_is_let_into_as_root_and_by_who_may_sudo_on_both_ports(small: Lab) -> None:
    assert [ssh(small, "root").stdout, ssh(small, "ops", "-p2222").stdout] == ["root\n", "root\n"]


def test_who_may_not_sudo_is_refused(small: Lab) -> None:
    done = ssh(small, "nosudo")

    assert (done.returncode, done.stderr) == (1, "sudo: a password is required\n")


def test_a_host_keeps_over_a_reboot_what_was_changed_on_it(small: Lab) -> None:
    small.exec("n1", ["sh", "-c", "echo 10.0.0.1 other >/etc/hosts.new && mv /etc/hosts.new /etc/hosts"])
    small.exec("n1", ["hostnamectl", "set-hostname", "renamed"])

    small.restart("n1")

    assert small.exec("n1", ["cat", "/etc/hosts"]).stdout == "10.0.0.1 other\n"
    assert small.exec("n1", ["hostname"]).stdout == "renamed\n"


def test_hosts_pull_a_file_and_a_manifest_over_the_labs_network(small: Lab) -> None:
    file = f"{small.layout.mirror}/get.helm.sh/helm-v4.3.1-linux-amd64.tar.gz"
    manifest = f"{small.layout.registry}/v2/pause/manifests/3.10.2?ns=registry.k8s.io"
    accept = ("--header", "Accept: application/vnd.oci.image.manifest.v1+json")

    for url in (file, manifest):
        small.exec("n1", ["curl", "--fail", "--silent", "--output", "/dev/null", *accept, url])


def test_another_subnet_for_a_lab_that_exists_is_refused(small: Lab) -> None:
    with pytest.raises(LabUsageError) as refused:
        Lab(NAME, IPv4Network("10.89.28.0/24"), 1).up()

    assert str(refused.value) == (
        "the lab test-lab exists with the subnet 10.89.29.0/24, 10.89.28.0/24 was asked for. "
        "Run: slipway lab down --name test-lab, or give another --name"
    )


def test_a_subnet_that_the_machine_uses_is_refused(small: Lab) -> None:
    with pytest.raises(LabUsageError) as refused:
        Lab("test-lab-too", small.subnet, 1).up()

    assert str(refused.value) == (
        "the subnet 10.89.29.0/24 is in use on this machine. Give the lab another with --subnet"
    )
    assert left_behind("test-lab-too") == ""


def test_down_leaves_nothing_behind(small: Lab) -> None:
    small.down()

    assert left_behind(NAME) == ""
    assert not paths.lab_state(NAME).exists()
