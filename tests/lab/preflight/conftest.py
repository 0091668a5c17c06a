"""Three bare hosts, and a web server on this machine in the place of their mirror."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP
from tests.lab.site import Site, node

NAME = "test-preflight"
NODES = (("n1", "control-plane"), ("n2", "worker"), ("n3", "worker"))


@dataclass(frozen=True)
class Bare(Site):
    """Hosts that nothing was installed on."""

    mirror: str

    def findings(self, *arguments: str) -> dict[tuple[str, str | None], dict[str, Any]]:
        """Run preflight; return its findings by check and host."""
        done = self.slipway("preflight", "-o", "json", *arguments)
        assert done.stdout, done.stderr
        return {(each["check"], each["host"]): each for each in json.loads(done.stdout)["findings"]}

    def filled(self, text: str, host: str) -> str:
        """Put what differs from lab to lab into a text of the table."""
        values = {"address": str(self.lab.address(host)), "mirror": self.mirror, "twin": self.twin}
        return text.format(**values) if any(f"{{{name}}}" in text for name in values) else text.format()

    @property
    def twin(self) -> str:
        """The machine-id of n1."""
        return self.on("n1", "cat /etc/machine-id")


@pytest.fixture(scope="session")
def mirror() -> Iterator[str]:
    """A web server that the hosts can reach; what it serves does not matter."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("10.89.25.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://10.89.25.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def hosts() -> Iterator[Lab]:
    """The hosts alone: no mirror, no registry, nothing that was built."""
    lab = Lab(NAME, IPv4Network("10.89.25.0/24"), 3)
    lab.hosts_up()
    yield lab
    if KEEP not in os.environ:
        lab.down()


@pytest.fixture(scope="session")
def bare(hosts: Lab, mirror: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """Three healthy hosts: their names resolve, and nothing else was done to them."""
    made = Bare(hosts, NAME, tmp_path_factory.mktemp("bare"), inventory(hosts, mirror), mirror)
    made.write()
    made.trust()
    made.ok("preflight", "--fix", "HOST-10", "--yes")
    yield made
    if KEEP not in os.environ:
        made.forget()


def inventory(lab: Lab, mirror: str) -> dict[str, Any]:
    """Return the inventory of the three hosts; what the machine under them lacks is accepted."""
    return {
        "name": NAME,
        "nodes": [node(lab, name, name, role) for name, role in NODES],
        "ssh": {"key": str(lab.key)},
        "artifacts": {"mirror": mirror, "registry_mirror": mirror},
        "kubernetes": {"kubelet": {"failCgroupV1": False}},
        "host": {"time": "none"},
        "load_balancer": {"pool": [f"{lab.subnet[200]}-{lab.subnet[219]}"]},
        "ignore": [
            {"check": "HOST-05", "reason": "the lab's machine may have cgroup v1", "expires": "2099-12-31"},
            {"check": "HOST-25", "reason": "the lab's hosts share one disk", "expires": "2099-12-31"},
        ],
    }


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A directory of one test."""
    return tmp_path
