"""The checks of hosts run by plain pytest, over a connection that testinfra opens itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.unit.engine.conftest import sshd  # noqa: F401 - a fixture
from tests.unit.engine.sshd import ME, Sshd

ROOT = Path(__file__).parents[3]
INVENTORY = """name: test
kubernetes: {endpoint: 203.0.113.1, kubelet: {failSwapOn: false}}
host: {time: none}
nodes:
  - {name: cp1, address: 203.0.113.1, roles: [control-plane]}
  - {name: w1, address: 203.0.113.2, roles: [worker]}
"""
WANTED = "swap_is_off or clock_is_right or declared_address or static_pods"


def pytest_on(directory: Path, server: Sshd, hosts: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Run four checks on hosts that are all this machine; return (outcome, words) by test and host."""
    (directory / "test.yaml").write_text(INVENTORY)
    (directory / "ssh_config").write_text(
        f"Host *\n  HostName 127.0.0.1\n  Port {server.port}\n  IdentityFile {server.key}\n"
        f"  StrictHostKeyChecking accept-new\n  UserKnownHostsFile {directory}/known_hosts\n"
    )
    command = [
        *(sys.executable, "-m", "pytest", "checks/acceptance", "-k", WANTED),
        *("--inventory", directory / "test.yaml", "--hosts", hosts),
        *("--ssh-config", directory / "ssh_config", "--junit-xml", directory / "said.xml"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True)
    return dict(map(_told, ElementTree.parse(directory / "said.xml").iter("testcase")))  # noqa: S314 - our own


def _told(case: ElementTree.Element) -> tuple[tuple[str, str], tuple[str, str]]:
    test, _, host = case.attrib["name"].rstrip("]").partition("[")
    end = next(iter(case), None)
    return (test, host), ("passed", "") if end is None else (end.tag, end.attrib["message"])


def test_a_host_is_the_node_of_its_address_and_judged_by_its_inventory(tmp_path: Path, sshd: Sshd) -> None:  # noqa: F811 - the fixture
    said = pytest_on(tmp_path, sshd, f"ssh://{ME}@203.0.113.1,ssh://{ME}@203.0.113.2")

    for host in ("ssh://203.0.113.1", "ssh://203.0.113.2"):
        assert said["test_the_clock_is_right", host] == ("passed", "")
        skipped = ("skipped", "the inventory allows swap (kubelet.failSwapOn: false)")
        assert said["test_swap_is_off", host] == skipped
        outcome, words = said["test_the_declared_address_is_on_the_host", host]
        assert outcome == "failure"
        assert f"wanted {host.removeprefix('ssh://')} on an interface" in words
    pods = "test_static_pods_are_as_kubeadm_made_them"
    assert said[pods, "ssh://203.0.113.1"][0] == "failure"  # nothing was read there, which is no pass
    assert said[pods, "ssh://203.0.113.2"][0] == "skipped"


def test_a_host_of_no_inventory_is_refused(tmp_path: Path, sshd: Sshd) -> None:  # noqa: F811 - the fixture
    said = pytest_on(tmp_path, sshd, f"ssh://{ME}@203.0.113.9")

    assert {outcome for outcome, _ in said.values()} == {"error"}
    wrong = "203.0.113.9 is no node of test; nodes are named or addressed as there"
    assert all(wrong in words for _, words in said.values())
