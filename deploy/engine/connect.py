"""Opening an SSH connection: quick to answer, quick to notice a dead host, strict about who answers."""

from __future__ import annotations

import socket

import paramiko
from gevent.lock import BoundedSemaphore

from deploy.engine import hostkeys
from deploy.engine.link import Link
from deploy.engine.target import Target
from deploy.engine.trouble import Trouble, trouble
from deploy.errors import UnreachableError

CONNECT = 8.0  # seconds for the TCP handshake, for the SSH banner, and for the login, each
KEEPALIVE = 3  # seconds between probes on an idle connection
UNACKNOWLEDGED_MS = 8000  # TCP_USER_TIMEOUT: a host that died fails in 11 s (3 s probe + 8 s), measured


class RefusedError(UnreachableError):
    """A host cannot be used."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.text)
        self.trouble = trouble


class Connector:
    """Opens links; the hosts that share a jump host share one connection to it."""

    def __init__(self, known: paramiko.HostKeys, inventory: str) -> None:
        self._known = known
        self._inventory = inventory
        self._jumps: dict[Target, paramiko.SSHClient | Trouble] = {}
        self._opening = BoundedSemaphore(1)

    def host_key(self, target: Target) -> paramiko.PKey:
        """Return the key that a host shows, known or not, without logging in; raise what is in the way."""
        try:
            return _host_key(self._socket(target))
        except Exception as error:
            if (found := trouble(target, error, self._inventory)) is None:
                raise
            raise RefusedError(found) from error

    def link(self, target: Target) -> Link:
        """Connect to a host, or raise what is in the way."""
        try:
            client = self._client(target, self._socket(target))
        except Exception as error:
            if (found := trouble(target, error, self._inventory)) is None:
                raise
            raise RefusedError(found) from error
        return Link(target.name, client, become=target.become)

    def close(self) -> None:
        """Close the connections to jump hosts; the links are their owner's."""
        for jump in self._jumps.values():
            if isinstance(jump, paramiko.SSHClient):
                jump.close()

    def _socket(self, target: Target) -> socket.socket | paramiko.Channel:
        if target.via is None:
            return quick(socket.create_connection((target.address, target.port), timeout=CONNECT))
        where = (target.address, target.port)
        jump = _transport(self._jump(target.via))
        return jump.open_channel("direct-tcpip", where, ("127.0.0.1", 0), timeout=CONNECT)

    def _jump(self, via: Target) -> paramiko.SSHClient:
        with self._opening:
            if via not in self._jumps:
                self._jumps[via] = self._open_jump(via)
            found = self._jumps[via]
        if isinstance(found, Trouble):
            raise RefusedError(found)
        return found

    def _open_jump(self, via: Target) -> paramiko.SSHClient | Trouble:
        try:
            client = self._client(via, self._socket(via))
            _, output, _ = client.exec_command("true")  # sshd sets TCP_NODELAY on its first session only
            output.channel.recv_exit_status()
        except Exception as error:
            if (found := trouble(via, error, self._inventory)) is None:
                raise
            return found
        return client

    def _client(self, target: Target, sock: socket.socket | paramiko.Channel) -> paramiko.SSHClient:
        client = paramiko.SSHClient()
        client.get_host_keys().update(self._known)
        client.set_missing_host_key_policy(hostkeys.Strict())
        try:
            client.connect(
                target.address,
                port=target.port,
                username=target.user,
                key_filename=str(target.key) if target.key else None,
                allow_agent=target.key is None,
                look_for_keys=target.key is None,
                sock=sock,
                timeout=CONNECT,
                banner_timeout=CONNECT,
                auth_timeout=CONNECT,
            )
        except BaseException:
            client.close()
            sock.close()
            raise
        _transport(client).set_keepalive(KEEPALIVE)
        return client


def quick(sock: socket.socket) -> socket.socket:
    """Set what paramiko never sets: no 44 ms of Nagle per command, and no hour-long wait for a dead host."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)
    return sock


def _transport(client: paramiko.SSHClient) -> paramiko.Transport:
    if (transport := client.get_transport()) is None:
        raise paramiko.SSHException("the connection was lost")
    return transport


def _host_key(sock: socket.socket | paramiko.Channel) -> paramiko.PKey:
    transport = paramiko.Transport(sock)
    try:
        transport.start_client(timeout=CONNECT)
        return transport.get_remote_server_key()
    finally:
        transport.close()
