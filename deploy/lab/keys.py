"""The SSH keys of a lab: one to log in with, one per host to be recognised by."""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address
from pathlib import Path

from deploy.lab.archive import Entry, tar
from deploy.lab.run import run
from deploy.model import paths

DEFAULT_PORT = 22
PORTS = (DEFAULT_PORT, 2222)
USERS = {"root": "root", "ops": "home/ops", "nosudo": "home/nosudo"}


def made(path: Path, comment: str) -> Path:
    """Return an ed25519 private key, made where it is missing; its public half lies beside it."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)])
    return path


def public(private: Path) -> str:
    """Return the public half of a key as one line."""
    return private.with_suffix(".pub").read_text().strip()


def brought(login: Path, host: Path) -> bytes:
    """Return a tar for a host's root: its own key, and the login key for every user."""
    authorized = f"{public(login)}\n".encode()
    return tar(
        [
            Entry("etc/ssh/ssh_host_ed25519_key", host.read_bytes(), 0o600),
            Entry("etc/ssh/ssh_host_ed25519_key.pub", f"{public(host)}\n".encode()),
            *(Entry(f"{home}/.ssh/authorized_keys", authorized) for home in USERS.values()),
        ]
    )


def known_as(address: IPv4Address) -> list[str]:
    """Return how known_hosts names a host, once per port that it answers on."""
    return [str(address) if port == DEFAULT_PORT else f"[{address}]:{port}" for port in PORTS]


def known_lines(hosts: Mapping[IPv4Address, str]) -> list[str]:
    """Return the known_hosts lines of hosts and their public keys."""
    return [
        f"{name} {' '.join(key.split()[:2])}" for address, key in hosts.items() for name in known_as(address)
    ]


def trust(cluster: str, lines: Sequence[str]) -> None:
    """Put lines into a cluster's known_hosts in place of what it knew of the same hosts."""
    _rewrite(cluster, {_name(line) for line in lines}, lines)


def forget(cluster: str, addresses: Iterable[IPv4Address]) -> None:
    """Take hosts out of a cluster's known_hosts."""
    _rewrite(cluster, {name for address in addresses for name in known_as(address)}, ())


def _rewrite(cluster: str, without: set[str], more: Sequence[str]) -> None:
    path = paths.known_hosts(cluster)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        others = [line for line in file.read().splitlines() if _name(line) not in without]
        file.truncate(0)
        file.write("".join(f"{line}\n" for line in [*others, *more]))
    path.chmod(0o600)


def _name(line: str) -> str:
    return line.partition(" ")[0]
