"""Three hosts that nobody has described: their keys are shown, an inventory is written, it is applied."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
import yaml

from deploy.lab import Lab
from deploy.model import paths
from tests.lab.conftest import KEEP, running
from tests.lab.site import CLEAN, SLIPWAY, Site, of_the_machine

NAME = "test-unknown"


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    """Three bare hosts whose keys nobody knows."""
    yield from running(NAME, 32, 3, trusted=False)


@pytest.fixture(scope="module")
def unknown(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster of which there is a directory only."""
    made = Site(hosts, NAME, tmp_path_factory.mktemp("unknown"), {})
    made.forget()
    yield made
    if KEEP not in os.environ:
        made.forget()


def init(made: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Write the inventory from the hosts' addresses, the key that lets in, and where files come from."""
    lab = made.lab
    sources = ["--mirror", lab.layout.mirror, "--registry-mirror", lab.layout.registry]
    return subprocess.run(
        [
            *(SLIPWAY, "init", NAME, *(str(lab.address(node)) for node in lab.nodes)),
            *("--key", str(lab.key), *sources, "--file", made.inventory, *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        stdin=subprocess.DEVNULL,
        env=os.environ | CLEAN,
        check=False,
    )


def remembered() -> set[str]:
    """Return the host keys that were accepted."""
    file = paths.known_hosts(NAME)
    return {line.split()[2] for line in file.read_text().splitlines()} if file.exists() else set()


def test_a_host_is_not_trusted_by_itself(unknown: Site) -> None:
    done = init(unknown)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "a key is remembered only when somebody agrees, and there is no terminal to answer on: add --trust"
    )
    assert not unknown.inventory.exists()
    assert remembered() == set()


def test_unknown_hosts_become_a_verified_cluster_and_nothing_is_edited(unknown: Site) -> None:
    done = init(unknown, "--trust")
    assert done.returncode == 0, done.stderr
    written = unknown.inventory.read_bytes()

    # the keys that were shown and remembered are the hosts' own
    assert remembered() == {line.split()[2] for line in unknown.lab.known_hosts()}
    assert "known" in unknown.ok("trust")

    # stands for `slipway artifacts lock`: what the lab built, no publisher has the digests of
    unknown.lab.write_lock(unknown.inventory)
    judged = json.loads(unknown.ok("preflight", "-o", "json"))["findings"]
    wrong = [each for each in judged if each["status"] == "fail" and each["severity"] == "error"]
    assert [each["check"] for each in wrong if not each["ignored"]] == []
    unknown.ok("apply", "--yes")

    report = json.loads(unknown.ok("verify", "-o", "json"))
    judged = [each for each in report["findings"] if not of_the_machine(each)]
    assert {each["status"] for each in judged} == {"pass", "skipped"}
    assert "0 changes." in unknown.ok("apply", "--yes")
    assert unknown.inventory.read_bytes() == written


def test_the_inventory_says_what_was_found(unknown: Site) -> None:
    found = yaml.safe_load(unknown.inventory.read_text())

    assert [(node["name"], node["roles"]) for node in found["nodes"]] == [
        ("n1", ["control-plane"]),
        ("n2", ["worker"]),
        ("n3", ["worker"]),
    ]
    assert found["host"] == {"time": "none"}, "the clock of a container is its machine's"
    assert found["load_balancer"]["pool"] == [f"{unknown.lab.subnet[241]}-{unknown.lab.subnet[251]}"]


def test_what_was_written_is_never_written_over(unknown: Site) -> None:
    before = unknown.inventory.read_bytes()

    done = init(unknown, "--trust")

    assert done.returncode == 2
    assert "already there, and never overwritten; name another by --file" in done.stderr
    assert unknown.inventory.read_bytes() == before
