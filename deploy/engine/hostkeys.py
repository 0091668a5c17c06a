"""Host keys: who a host proved to be before, kept in a known_hosts of the cluster's own."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import paramiko
from paramiko.hostkeys import HostKeyEntry
from typing_extensions import override

SSH_PORT = 22


class UnknownHostKeyError(paramiko.SSHException):
    """A host showed a key, and none is known of it."""

    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__("unknown host key")
        self.key = key


class Strict(paramiko.MissingHostKeyPolicy):
    """Refuse a host whose key is not known; `slipway trust` is the only way to know one."""

    @override
    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        raise UnknownHostKeyError(key)


def fingerprint(key: paramiko.PKey) -> str:
    """Return a key as `ssh-keygen -l` names it: `ssh-ed25519 SHA256:...`."""
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"


def entry_name(address: str, port: int) -> str:
    """Return how known_hosts calls a host: with its port when that is not 22."""
    return address if port == SSH_PORT else f"[{address}]:{port}"


def known(path: Path) -> paramiko.HostKeys:
    """Return the keys of a known_hosts file; none when there is no such file."""
    return paramiko.HostKeys(str(path)) if path.exists() else paramiko.HostKeys()


def remember(path: Path, keys: dict[str, paramiko.PKey]) -> None:
    """Write keys by entry name, each in place of what was known of that host; the rest of the file stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = path.read_text().splitlines() if path.exists() else []
    lines = [line for line in kept if not _names(line, keys)]
    lines += [(HostKeyEntry([name], key).to_line() or "").strip() for name, key in keys.items()]
    part = path.with_name(f"{path.name}.part")
    part.write_text("\n".join(lines) + "\n")
    part.chmod(0o600)
    part.replace(path)


def _names(line: str, keys: dict[str, paramiko.PKey]) -> bool:
    return bool(line.strip()) and not set(line.split()[0].split(",")).isdisjoint(keys)
