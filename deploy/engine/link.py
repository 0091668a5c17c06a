"""One SSH connection to one host, and running a command over it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
import paramiko
from gevent.lock import BoundedSemaphore

from deploy.engine import shell
from deploy.errors import UnreachableError

SESSIONS = 8  # at once; sshd's MaxSessions is 10, and the run lock needs one
GRACE = 10.0  # seconds that a host may take longer to open a session, or to say that a command ended
DYING = 1.0  # seconds between the end of a dying connection's channels and its own
# "stopping" from the moment a shutdown begins; services end first, which may take them 90 s
# (DefaultTimeoutStopSec in systemd-system.conf(5)), and connections last
STATE = "systemctl is-system-running"
STOPPING, STOPS_WITHIN = "stopping", 100.0
REFUSALS = 100  # of a session, in those seconds, before a refusal is believed
CHUNK = 65536
# without a handler Python writes paramiko's tracebacks to the terminal, of verbs that keep no log
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class LostError(UnreachableError):
    """A host's connection died while it was used, be it for the sake of another host."""

    def __init__(self, host: str, cause: BaseException | None = None) -> None:
        said = f" ({cause})" if cause else ""
        super().__init__(f"{host}: the connection was lost{said}; is the host still up?")
        self.host = host


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    rc: int
    out: str
    err: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Say whether it succeeded."""
        return self.rc == 0

    @property
    def timed_out(self) -> bool:
        """Say whether it was ended because it took too long."""
        return self.rc in shell.TIMED_OUT


class Link:
    """A live connection; several greenlets may run commands over it at once."""

    def __init__(self, host: str, client: paramiko.SSHClient, *, become: bool) -> None:
        self.host = host
        self.become = become
        self._client = client
        self._slots = BoundedSemaphore(SESSIONS)
        self._opening = BoundedSemaphore(1)

    @property
    def transport(self) -> paramiko.Transport:
        """The SSH transport; dead when the host is."""
        transport = self._client.get_transport()
        if transport is None or not transport.is_active():
            raise LostError(self.host)
        return transport

    def run(self, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        """Run a shell command as root, at most `timeout` seconds: then it is ended there, too."""
        raw = shell.as_root(shell.bounded(command, timeout), become=self.become)
        return self.exec(raw, stdin=stdin, timeout=timeout)

    def exec(self, raw: str, *, stdin: str | bytes | None, timeout: float) -> Ran:
        """Run what is already bounded on the host; the wait here is a little longer than that bound."""
        started = time.monotonic()
        with self._slots:
            try:
                rc, out, err = self._exchange(raw, stdin, timeout + shell.KILLED_AFTER + GRACE)
            except gevent.Timeout:
                rc, out, err = shell.TIMED_OUT[0], "", "no answer in time"
            except (OSError, EOFError, paramiko.SSHException) as error:
                raise LostError(self.host, error) from error
        return Ran(rc, out, err, time.monotonic() - started)

    def _exchange(self, raw: str, stdin: str | bytes | None, wait: float) -> tuple[int, str, str]:
        channel = self._open()
        try:
            with gevent.Timeout(wait):
                channel.exec_command(raw)
                errors = gevent.spawn(_read, channel.recv_stderr)
                writer = gevent.spawn(_write, channel, stdin)
                out = _read(channel.recv)
                err, rc = errors.get(), channel.recv_exit_status()
                writer.kill()
        finally:
            channel.close()
        return shell.TIMED_OUT[1] if rc == -1 and self.outlives() else rc, out, err

    def outlives(self) -> bool:
        """Say that the connection lives on after a command that went wrong: it is the command's own failure.

        A connection that died says so a moment after its channels end; that is raised, as LostError.
        """
        end = time.monotonic() + DYING
        while time.monotonic() < end and self.transport.is_active():
            gevent.sleep(DYING / 10)
        return self.transport.is_active()

    def stands(self) -> bool:
        """Say that the host goes on after something failed on it; raise LostError when it was going down."""
        end, stopping = time.monotonic() + STOPS_WITHIN, self.outlives()
        while stopping and time.monotonic() < end:
            stopping = self.run(STATE, timeout=GRACE).out.strip() == STOPPING and self.outlives()
        return self.transport.is_active()

    def _open(self) -> paramiko.Channel:
        """Open a session; sshd counts one that just ended for a moment longer, and then refuses a new one.

        One at a time: paramiko keeps a refusal on the transport, where another waiting greenlet may take it.
        """
        for _ in range(REFUSALS):
            with self._opening:
                try:
                    return self.transport.open_session(timeout=GRACE)
                except paramiko.ChannelException as error:
                    refused = error
            gevent.sleep(GRACE / REFUSALS)
        raise refused

    def close(self) -> None:
        """Close the connection; paramiko keeps the socket and a thread otherwise."""
        self._client.close()


def _read(receive: Callable[[int], bytes]) -> str:
    chunks: list[bytes] = []
    while chunk := receive(CHUNK):
        chunks.append(chunk)
    return b"".join(chunks).decode(errors="replace")


def _write(channel: paramiko.Channel, stdin: str | bytes | None) -> None:
    try:
        if stdin:
            channel.sendall(stdin.encode() if isinstance(stdin, str) else stdin)
        channel.shutdown_write()
    except OSError:
        return  # it ended without reading all of it, which its exit status tells
