"""Preflight of many hosts: one SSH server on many addresses, all of them this machine."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from deploy.engine import hostkeys
from tests.bench.timed import several, timed
from tests.lab.site import CLEAN, SLIPWAY
from tests.unit.engine.sshd import Sshd, free_port, new_key, sshd_path

NAME = "bench-many"
BRIDGE = "slipway-bench"
ALL_CODES = (0, 3)  # the hosts are this machine several times over, which preflight rightly refuses


def address(number: int) -> str:
    """Return one of the addresses of this machine that are the benchmark's own."""
    return f"10.89.40.{number}"


@contextmanager
def addresses(count: int) -> Iterator[None]:
    """Have a bridge with so many addresses, and take it away again."""
    lines = [f"link add {BRIDGE} type bridge", f"link set {BRIDGE} up"]
    lines += [f"address add {address(number)}/24 dev {BRIDGE}" for number in range(1, count + 1)]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "del", BRIDGE], check=True)


def served(directory: Path) -> Sshd:
    """Start an SSH server on every loopback address."""
    key, port = new_key(directory / "user_key"), free_port()
    new_key(directory / "host_key")
    config = directory / "sshd_config"
    config.write_text(
        f"ListenAddress 0.0.0.0\nPort {port}\nHostKey {directory}/host_key\nAuthorizedKeysFile {key}.pub\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nMaxStartups 200\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([sshd_path(), "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    return Sshd(directory, port, process)


def inventory(server: Sshd, count: int, directory: Path) -> Path:
    """Write an inventory of so many hosts."""
    nodes = [
        {
            "name": f"h{number}",
            "address": address(number),
            "roles": ["worker" if number > 1 else "control-plane"],
        }
        for number in range(1, count + 1)
    ]
    path = directory / f"{NAME}-{count}.yaml"
    ssh = {"port": server.port, "key": str(server.key)}
    path.write_text(yaml.safe_dump({"name": NAME, "ssh": ssh, "nodes": nodes}))
    return path


def measured(*counts: int) -> list[tuple[str, str, str]]:
    """Return a row for each number of hosts."""
    rows = []
    with tempfile.TemporaryDirectory() as text, addresses(max(counts)):
        directory = Path(text)
        server = served(directory)
        state = {"XDG_STATE_HOME": str(directory / "state"), **CLEAN}
        known = directory / "state/slipway" / NAME / "known_hosts"
        entries = {server.entry(address(number)): server.host_key for number in range(1, max(counts) + 1)}
        hostkeys.remember(known, entries)
        try:
            for count in counts:
                command = [SLIPWAY, "preflight", inventory(server, count, directory), "-o", "short"]
                run = timed(command, state, codes=ALL_CODES)
                least, median, most = several(lambda: timed(command, state, codes=ALL_CODES), 3)  # noqa: B023 - called at once
                rows.append(
                    (
                        f"preflight, {count} hosts that are this machine",
                        f"{least:.2f} / {median:.2f} / {most:.2f}",
                        f"controller's own {run.cpu:.2f} s of CPU, {run.memory:.0f} MiB at most",
                    )
                )
        finally:
            server.process.terminate()
            server.process.wait()
    return rows
