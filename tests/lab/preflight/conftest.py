"""Three bare hosts, and a web server on this machine in the place of their mirror."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from typing import Any

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP
from tests.lab.preflight.breaks import made, mended
from tests.lab.site import Site, node

NAME = "test-preflight"
NODES = (("n1", "control-plane"), ("n2", "worker"), ("n3", "worker"))
SAMPLE, PART = 32 * 1024 * 1024, 64 * 1024  # bytes of every file, and of what is sent at once

Findings = dict[tuple[str, str | None], dict[str, Any]]


class Mirror(ThreadingHTTPServer):
    """Serves zeros for every file; to the addresses in `slow` about a megabyte a second."""

    def __init__(self, address: str) -> None:
        super().__init__((address, 0), Zeros)
        self.slow: set[str] = set()
        self.url = f"http://{address}:{self.server_port}"


class Zeros(SimpleHTTPRequestHandler):
    """A file of zeros under every path."""

    server: Mirror

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SAMPLE))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        try:
            for _ in range(SAMPLE // PART):
                self.wfile.write(bytes(PART))
                if self.client_address[0] in self.server.slow:
                    time.sleep(0.06)
        except OSError:
            self.close_connection = True  # who asked has seen enough

    def log_message(self, *_: Any) -> None:
        pass


@dataclass(frozen=True)
class Bare(Site):
    """Hosts that nothing was installed on."""

    mirror: Mirror = field(kw_only=True)

    def judged(self, *arguments: str) -> tuple[int, Findings]:
        """Run preflight; return what it exits with, and its findings by check and host."""
        done = self.slipway("preflight", "-o", "json", *arguments)
        assert done.stdout, done.stderr
        findings = json.loads(done.stdout)["findings"]
        return done.returncode, {(each["check"], each["host"]): each for each in findings}

    def findings(self, *arguments: str) -> Findings:
        """Run preflight; return its findings by check and host."""
        return self.judged(*arguments)[1]

    def filled(self, text: str, host: str) -> str:
        """Put what differs from lab to lab into a text of the table."""
        values = {"{address}": str(self.lab.address(host)), "{mirror}": self.mirror.url, "{twin}": ""}
        if "{twin}" in text:
            values["{twin}"] = self.on("n1", "cat /etc/machine-id")
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    def on_each(self, scripts: Mapping[str, str], check: bool = True) -> None:
        """Run a script on each of the hosts at the same time."""
        with ThreadPoolExecutor(len(NODES)) as pool:
            list(pool.map(lambda each: self.on(*each, check=check), scripts.items()))

    def break_(self, breaks: Mapping[str, list[tuple[str, str]]]) -> None:
        """Break hosts: (what, script) by host, in one go a host."""
        self.on_each(
            {
                host: made([(name, self.filled(script, host)) for name, script in each])
                for host, each in breaks.items()
                if each
            }
        )

    def mend(self, mends: Mapping[str, list[str]]) -> None:
        """Mend what was broken on each host, as far as it was."""
        filled = {
            host: mended(self.filled(script, host) for script in each) for host, each in mends.items() if each
        }
        self.on_each(filled, check=False)


@pytest.fixture(scope="session")
def hosts() -> Iterator[Lab]:
    """The hosts alone: no mirror, no registry, nothing that was built."""
    lab = Lab(NAME, IPv4Network("10.89.25.0/24"), len(NODES))
    if KEEP not in os.environ and shutil.which("podman"):
        lab.down()  # what an earlier run left of it
    try:
        lab.hosts_up()
        yield lab
    finally:
        if KEEP not in os.environ:
            lab.down()


@pytest.fixture(scope="session")
def mirror(hosts: Lab) -> Iterator[Mirror]:
    """A web server that the hosts can reach; what it serves does not matter."""
    server = Mirror(str(hosts.subnet[1]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope="session")
def bare(hosts: Lab, mirror: Mirror, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """Three healthy hosts: their names resolve, and nothing else was done to them."""
    site = Bare(hosts, NAME, tmp_path_factory.mktemp("bare"), inventory(hosts, mirror.url), mirror=mirror)
    site.write()
    site.trust()
    site.ok("preflight", "--fix", "HOST-10", "--yes")
    yield site
    if KEEP not in os.environ:
        site.forget()


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


def failing(findings: Findings, check: str) -> set[str | None]:
    """Return the hosts on which a check failed."""
    return {host for (id_, host), each in findings.items() if id_ == check and each["status"] == "fail"}
