"""Preflight of many hosts: one SSH server on many addresses, all of them this machine."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from deploy.engine import hostkeys
from tests.bench.timed import Row, Run, shown, spread, timed
from tests.lab.site import CLEAN, SLIPWAY
from tests.unit.engine.sshd import Sshd, free_port, new_key, sshd_path

NAME = "bench-many"
BRIDGE = "slipway-bench"
ALL_CODES = (0, 3)  # the hosts are this machine several times over, which preflight rightly refuses
UNREACHABLE = 6
DEAD = 250
RUNS = 3


def address(number: int) -> str:
    """Return one of the addresses of this machine that are the benchmark's own."""
    return f"10.89.40.{number}"


def network(count: int) -> list[str]:
    """Return what makes a bridge with so many addresses; what is sent to the dead one is lost, silently."""
    return [
        f"link add {BRIDGE} type bridge",
        f"link set {BRIDGE} up",
        *(f"address add {address(number)}/24 dev {BRIDGE}" for number in range(1, count + 1)),
        f"neigh replace {address(DEAD)} lladdr 02:00:0a:59:28:fa dev {BRIDGE} nud permanent",
    ]


@contextmanager
def addresses(count: int) -> Iterator[None]:
    """Have the bridge, and take it away again."""
    subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)  # an earlier run's
    try:
        subprocess.run(["ip", "-batch", "-"], input="\n".join(network(count)), text=True, check=True)
        yield
    finally:
        subprocess.run(["ip", "link", "del", BRIDGE], check=True)


@contextmanager
def served(directory: Path) -> Iterator[Sshd]:
    """Have an SSH server on every address of this machine."""
    key, port = new_key(directory / "user_key"), free_port()
    new_key(directory / "host_key")
    config = directory / "sshd_config"
    config.write_text(
        f"ListenAddress 0.0.0.0\nPort {port}\nHostKey {directory}/host_key\nAuthorizedKeysFile {key}.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n"
        "SetEnv SHLVL=2\nMaxStartups 200\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([sshd_path(), "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        yield Sshd(directory, port, process)
    finally:
        process.terminate()
        process.wait()


class _Answer(BaseHTTPRequestHandler):
    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def mirror() -> Iterator[str]:
    """Have something that answers for mirror and registry: how far the internet is, is not the matter."""
    server = ThreadingHTTPServer((address(1), 0), _Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address(1)}:{server.server_port}"
    finally:
        server.shutdown()


def nodes(numbers: Sequence[int]) -> list[dict[str, object]]:
    """Return an inventory's nodes at these addresses, the first a control plane."""
    return [
        {
            "name": "dead" if number == DEAD else f"h{number}",
            "address": address(number),
            "roles": ["worker" if place else "control-plane"],
        }
        for place, number in enumerate(numbers)
    ]


def inventory(server: Sshd, url: str, numbers: Sequence[int]) -> Path:
    """Write an inventory of the hosts at these addresses."""
    path = server.directory / f"{NAME}-{len(numbers)}-{numbers[-1]}.yaml"
    document = {
        "name": NAME,
        "ssh": {"port": server.port, "key": str(server.key)},
        "artifacts": {"mirror": url, "registry_mirror": url},
        "nodes": nodes(numbers),
    }
    path.write_text(yaml.safe_dump(document))
    return path


def rows(count: int, runs: Sequence[Run], *, dead: bool) -> list[Row]:
    """Return the wall seconds of some runs, and apart from them what the controller itself spent."""
    what = f"preflight, {count} hosts that are this machine{', one of them dead' if dead else ''}"
    cpu, memory = max(each.cpu for each in runs), max(each.memory for each in runs)
    return [
        (what, shown(spread([each.wall for each in runs])), f"{memory:.0f} MiB at most"),
        (
            "  of which the controller's own CPU",
            shown(spread([each.cpu for each in runs])),
            f"{cpu / count:.3f} s a host at most",
        ),
    ]


def measured(*counts: int) -> list[Row]:
    """Return rows for each number of hosts, and for the greatest with a dead host among them."""
    found: list[Row] = []
    most = max(counts)
    with (
        tempfile.TemporaryDirectory() as text,
        addresses(most),
        served(Path(text)) as server,
        mirror() as url,
    ):
        state = {"XDG_STATE_HOME": f"{text}/state", **CLEAN}
        known = [*range(1, most + 1), DEAD]
        entries = {server.entry(address(number)): server.host_key for number in known}
        hostkeys.remember(Path(text, "state/slipway", NAME, "known_hosts"), entries)
        for count in counts:
            file = inventory(server, url, range(1, count + 1))
            found += rows(count, _runs(file, state, ALL_CODES), dead=False)
        file = inventory(server, url, [*range(1, most), DEAD])
        found += rows(most, _runs(file, state, (UNREACHABLE,)), dead=True)
    return found


def _runs(file: Path, state: dict[str, str], codes: tuple[int, ...]) -> list[Run]:
    command = [SLIPWAY, "preflight", file, "-o", "short"]
    return [timed(command, state, codes=codes) for _ in range(RUNS)]
