"""A real sshd on a loopback port, and clusters of hosts that are all this machine."""

from __future__ import annotations

import deploy.cli  # noqa: F401, I001 - gevent's patches come first

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paramiko
import pytest

from deploy.engine import hostkeys
from deploy.model import Cluster, paths

ME = "root" if os.geteuid() == 0 else os.environ.get("USER", "")


@dataclass
class Sshd:
    """An SSH server of our own."""

    directory: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def key(self) -> Path:
        return self.directory / "user_key"

    @property
    def host_key(self) -> paramiko.PKey:
        return paramiko.Ed25519Key.from_private_key_file(str(self.directory / "host_key"))

    @property
    def entry(self) -> str:
        return hostkeys.entry_name("127.0.0.1", self.port)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def new_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def sshd_path() -> str:
    found = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, "these tests need sshd: apt-get install -y openssh-server"
    return found


def start_sshd(directory: Path) -> Sshd:
    new_key(directory / "host_key")
    key = new_key(directory / "user_key")
    port = free_port()
    config = directory / "sshd_config"
    config.write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {directory / 'host_key'}\n"
        f"AuthorizedKeysFile {key}.pub\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
        "SetEnv SHLVL=2\nPasswordAuthentication no\nMaxSessions 10\nMaxStartups 50:30:100\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([sshd_path(), "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    _wait_for(port)
    return Sshd(directory, port, process)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"sshd did not listen on {port}")


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.process.send_signal(signal.SIGTERM)
    server.process.wait()


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def cluster_of(*nodes: dict[str, object], **keys: object) -> Cluster:
    wanted = [
        {"roles": ["control-plane" if number == 0 else "worker"], **node} for number, node in enumerate(nodes)
    ]
    return Cluster.model_validate({"name": "test", "nodes": wanted, **keys})


@pytest.fixture
def cluster(sshd: Sshd) -> Cluster:
    """Two nodes, cp1 and w1; sshd listens on every loopback address only as 127.0.0.1, so both are it."""
    ssh = {"user": ME, "port": sshd.port, "key": str(sshd.key)}
    made = cluster_of(
        {"name": "cp1", "address": "127.0.0.1"}, {"name": "w1", "address": "127.0.0.2"}, ssh=ssh
    )
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry: sshd.host_key})
    return made
