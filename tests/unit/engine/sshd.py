"""A real SSH server on a loopback port, and clusters of hosts that are all this machine."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import paramiko

from deploy.engine import hostkeys
from deploy.model import Cluster

ADDRESSES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")
PLACES = f"{os.environ['PATH']}:/usr/sbin"
POLICY = Path("/usr/sbin/policy-rc.d")
UPDATE = ["apt-get", "update", "--quiet"]
INSTALL = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "openssh-server"]
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

    def entry(self, address: str = "127.0.0.1") -> str:
        return hostkeys.entry_name(address, self.port)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def new_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def sshd_path() -> str:
    if not shutil.which("sshd", path=PLACES):
        install()
    found = shutil.which("sshd", path=PLACES)
    assert found, f"these tests need sshd; as root run: {shlex.join(INSTALL)}"
    return found


def install() -> None:
    """Install sshd where root may; no service of it is started, now or at the next boot."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    warnings.warn("sshd was missing: openssh-server is installed, its service stays off", stacklevel=2)
    own = POLICY.exists()
    if not own:  # Debian's maintainer scripts start nothing that this file forbids
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        for command in (UPDATE, INSTALL):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=quiet)
    finally:
        if not own:
            POLICY.unlink()
    if shutil.which("systemctl"):
        subprocess.run(["systemctl", "disable", "--quiet", "ssh.service", "ssh.socket"], check=False)


def start_sshd(directory: Path) -> Sshd:
    new_key(directory / "host_key")
    key = new_key(directory / "user_key")
    port = free_port()
    config = directory / "sshd_config"
    listen = "".join(f"ListenAddress {address}\n" for address in ADDRESSES)
    config.write_text(
        f"{listen}Port {port}\nHostKey {directory / 'host_key'}\n"
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


def cluster_of(*nodes: dict[str, object], **keys: object) -> Cluster:
    wanted = [
        {"roles": ["control-plane" if number == 0 else "worker"], **node} for number, node in enumerate(nodes)
    ]
    return Cluster.model_validate({"name": "test", "nodes": wanted, **keys})
