"""The same checks for those who like plain pytest.

    pytest checks/acceptance --inventory inventories/homelab.yaml --hosts 'ssh://root@192.168.1.10'

testinfra opens its own connections here; a host is the node that has its name or its address.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from testinfra.host import Host

from checks.acceptance.check import HostCheck, Seen
from deploy.catalog import Lock
from deploy.catalog import lock as lock_file
from deploy.model import Cluster, Node, load_cluster


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the inventory's path."""
    parser.addoption("--inventory", type=Path, help="the inventory that the hosts are compared with")


@pytest.fixture(scope="session")
def inventory(request: pytest.FixtureRequest) -> Path:
    """Return the inventory's path."""
    path = request.config.getoption("--inventory")
    if path is None:
        raise pytest.UsageError("name the inventory: --inventory inventories/homelab.yaml")
    return Path(path)


@pytest.fixture(scope="session")
def cluster(inventory: Path) -> Cluster:
    """Return what was declared."""
    return load_cluster(inventory)


@pytest.fixture(scope="session")
def lock(inventory: Path) -> Lock:
    """Return what is pinned."""
    return lock_file.load(lock_file.path_of(inventory))


@pytest.fixture
def node(host: Host, cluster: Cluster) -> Node:
    """Return the declared node that a host is."""
    where = host.backend.get_hostname().rpartition("@")[2]
    for each in cluster.nodes:
        if where in (each.name, str(each.address)):
            return each
    raise pytest.UsageError(f"{where} is no node of {cluster.name}; nodes are named or addressed as there")


@pytest.fixture
def seen() -> Seen:
    """Return where a check writes down what it found."""
    return Seen()


@pytest.fixture(autouse=True)
def _applies(request: pytest.FixtureRequest, cluster: Cluster, node: Node) -> None:
    check = HostCheck(request.function.proves, request.function)
    if not check.applies(cluster, node):
        pytest.skip(f"{check.entry.id} does not apply to {node.name}")
