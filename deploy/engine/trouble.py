"""What is in the way of using a host, said so that its owner can act: pure."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from enum import StrEnum

import paramiko

from deploy.engine import hostkeys
from deploy.engine.target import Target
from deploy.errors import Exit


class Cause(StrEnum):
    """Why a host cannot be used."""

    UNKNOWN_KEY = "host key unknown"
    CHANGED_KEY = "host key changed"
    LOGIN = "login refused"
    TIMEOUT = "no answer"
    REFUSED = "connection refused"
    NO_ROUTE = "no route"
    NAME = "name unknown"
    PROTOCOL = "no SSH"
    JUMP = "jump host"
    SUDO = "HOST-01: no root"
    LOST = "connection lost"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One host that cannot be used, and why."""

    host: str
    cause: Cause
    text: str

    @property
    def exit_code(self) -> Exit:
        """A host that answers but gives no root has failed a check; any other is unreachable."""
        return Exit.FAILED if self.cause is Cause.SUDO else Exit.UNREACHABLE


def trouble(target: Target, error: BaseException, inventory: str) -> Trouble | None:
    """Return what an error on connecting means; None for one that is a mistake of ours."""
    met = _met(target, error, inventory)
    return Trouble(target.name, met[0], f"{target}: {met[1]}") if met else None


def no_root(target: Target, said: str) -> Trouble:
    """Return that a host's user cannot become root; `said` is what sudo says of it."""
    text = (
        f"[HOST-01] {target}: user {target.user!r} cannot become root without a password "
        f"({said.strip() or 'sudo said nothing'}); add '{target.user} ALL=(ALL) NOPASSWD: ALL' "
        "to /etc/sudoers.d/slipway there, or set ssh.user to root"
    )
    if not target.become:
        text = (
            f"[HOST-01] {target}: user {target.user!r} is not root, and ssh.become is false; "
            "set ssh.become to true, or ssh.user to root"
        )
    return Trouble(target.name, Cause.SUDO, text)


def _met(target: Target, error: BaseException, inventory: str) -> tuple[Cause, str] | None:
    through = getattr(error, "trouble", None)
    match error:
        case hostkeys.UnknownHostKeyError():
            return Cause.UNKNOWN_KEY, (
                f"its host key is not known yet: {hostkeys.fingerprint(error.key)}; compare that with what "
                f"the host's console shows, then run: slipway trust {inventory}"
            )
        case paramiko.BadHostKeyException():
            return Cause.CHANGED_KEY, (
                f"its host key has changed: known is {hostkeys.fingerprint(error.expected_key)}, "
                f"offered is {hostkeys.fingerprint(error.key)}; somebody may be in between. If the host was "
                f"reinstalled, run: slipway trust {inventory} --replace {target.name}"
            )
        case paramiko.PasswordRequiredException():
            return Cause.LOGIN, (
                f"the key {target.key} is encrypted; add it to an SSH agent and leave ssh.key out"
            )
        case paramiko.AuthenticationException():
            key = f"key {target.key}" if target.key else "the keys of the agent and of ~/.ssh"
            return Cause.LOGIN, (
                f"user {target.user!r} with {key} was not let in; check ssh.user and ssh.key in {inventory}, "
                f"and ~{target.user}/.ssh/authorized_keys on the host"
            )
        case _ if isinstance(through, Trouble):
            return Cause.JUMP, f"its jump host cannot be used: {through.text}"
    return _network(target, error)


def _network(target: Target, error: BaseException) -> tuple[Cause, str] | None:
    match error:
        case socket.gaierror():
            return Cause.NAME, f"the name {target.address!r} is not known; check the inventory and DNS"
        case TimeoutError():
            return Cause.TIMEOUT, "no answer in time; is the host up, and does a firewall let SSH through?"
        case ConnectionRefusedError():
            return Cause.REFUSED, f"connection refused; does sshd listen on port {target.port}?"
        case paramiko.ChannelException():
            return Cause.REFUSED, f"the jump host could not reach it ({error.text}); is it up?"
        case OSError():
            return Cause.NO_ROUTE, f"{error.strerror or error}; check the address and the network between"
        case paramiko.SSHException() | EOFError():
            said = str(error) or "it closed the connection"
            return Cause.PROTOCOL, f"no SSH connection came about ({said}); is it an SSH server, is it up?"
    return None
