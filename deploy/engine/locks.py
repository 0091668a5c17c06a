"""One run at a time on a cluster: a lock on the controller, and one on a control plane."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import shlex
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import gevent
import greenlet
import paramiko
from typing_extensions import override

from deploy.engine import shell
from deploy.engine.session import Session
from deploy.errors import Exit, RunError, SlipwayError, UnreachableError

DIRECTORY = "/run/slipway"
ON_HOST = f"{DIRECTORY}/lock"
BEAT = 15.0  # seconds between two signs of life to the host's lock
FORGOTTEN = 60  # seconds without one after which the host lets go: the controller is gone
ANSWERED = 60.0  # seconds that a busy host may take to open a session, and to say whether its lock is free
PATIENCE = 3  # seconds that a run which was just killed may take to let go
# The lock is the shell's; what it waits with must not inherit it, or it would outlive the shell.
SCRIPT = """mkdir -p {directory} && exec 9<>{path} || exit 1
if ! flock -w {patience} 9; then echo busy; cat {path}; exit 0; fi
printf '%s\\n' {holder} > {path} && echo held
while line=$(timeout {forgotten} head -n 1 9>&-) && [ "$line" = alive ]; do :; done
: > {path}"""


# who only looks shares the lock for a moment, which a run that takes it has the patience for
LOOK = "[ -e {path} ] || exit 0; exec 9<{path}; flock -s -n 9 || {{ echo busy; cat {path}; }}"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: what for, as whom and from where, in which process, since when (UTC)."""

    verb: str
    user: str
    machine: str
    pid: int
    since: str

    @override
    def __str__(self) -> str:
        return (
            f"`slipway {self.verb}` of {self.user} on {self.machine} (process {self.pid}), since {self.since}"
        )


def me(verb: str) -> Holder:
    """Return who this run is."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Holder(verb, getpass.getuser(), socket.gethostname(), os.getpid(), since)


class LockedError(RunError):
    """Another run is at work on the cluster."""

    def __init__(self, cluster: str, where: str, holder: Holder | None) -> None:
        who = holder or "somebody who left no name"
        super().__init__(
            f"cluster {cluster} is being worked on by {who}; the lock is {where}. "
            "Wait for it to end, or end it; its lock goes with it."
        )


class LockLostError(SlipwayError):
    """A host let the run lock go while the run held it: nothing keeps another run away any more."""

    exit_code = Exit.UNREACHABLE

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host}: the run lock {ON_HOST} was let go with the connection, so that another run may have "
            "begun; this one ends. What is done stays done; running the same command again goes on."
        )


@contextmanager
def on_controller(cluster: str, path: Path, holder: Holder) -> Generator[Holder | None, None, None]:
    """Hold the controller's lock; yield whose run died with it, if one did."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+") as file:
        path.chmod(0o600)
        file.seek(0)
        before = read(file.read())
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(cluster, str(path), before) from None
        file.truncate(0)
        with suppress(OSError):  # a full disk has no room for the name, and the lock is held all the same
            os.write(file.fileno(), json.dumps(asdict(holder)).encode())
        try:
            yield before
        finally:
            file.truncate(0)


class HostLock:
    """A lock on a host, held for as long as this process lives; LockLostError ends a run that lost it."""

    def __init__(self, session: Session, host: str, holder: Holder) -> None:
        self._session, self._host, self._holder = session, host, holder
        self._held: tuple[paramiko.Channel, gevent.Greenlet[..., None]] | None = None

    def take(self) -> None:
        """Take it, or raise who has it."""
        name = shlex.quote(json.dumps(asdict(self._holder)))
        limits = {"forgotten": FORGOTTEN, "patience": PATIENCE}
        script = SCRIPT.format(directory=DIRECTORY, path=ON_HOST, holder=name, **limits)
        channel = _taken(self._session, self._host, script)
        self._held = channel, gevent.spawn(_beat, channel, gevent.getcurrent(), self._host)

    def let_go(self) -> None:
        """Let it go, where it is held."""
        if self._held is not None:
            channel, beating = self._held
            beating.kill()
            channel.close()
        self._held = None

    @contextmanager
    def away(self, host: str) -> Generator[None, None, None]:
        """Do without the lock while its own host is away; another control plane holds one meanwhile."""
        if host != self._host:
            yield
            return
        planes = (node.name for node in self._session.cluster.control_planes)
        other = next((name for name in planes if name != host and name in self._session.hosts), None)
        with nullcontext() if other is None else on_host(self._session, other, self._holder):
            self.let_go()
            yield
            self.take()


@contextmanager
def on_host(session: Session, host: str, holder: Holder) -> Generator[HostLock, None, None]:
    """Hold a lock on a host."""
    lock = HostLock(session, host, holder)
    lock.take()
    try:
        yield lock
    finally:
        lock.let_go()


def refuse_busy(session: Session) -> None:
    """Raise who works on the cluster, from whatever machine; nothing is written, and nobody is kept away.

    A control plane that cannot be asked says nothing, as its lock goes with the connection.
    """
    planes = [node.name for node in session.cluster.control_planes if node.name in session.hosts]
    for host, said in session.each(planes, partial(_look, session)).items():
        word, _, content = said.partition("\n")
        if word == "busy":
            raise LockedError(session.cluster.name, f"{ON_HOST} on {host}", read(content))


def _look(session: Session, host: str) -> str:
    try:
        return session.run(host, LOOK.format(path=ON_HOST), timeout=ANSWERED).out
    except UnreachableError:
        return ""


def read(text: str) -> Holder | None:
    """Return whom a lock's content names; None for an empty or a damaged one."""
    try:
        return Holder(**json.loads(text))
    except (ValueError, TypeError):
        return None


def _taken(session: Session, host: str, script: str) -> paramiko.Channel:
    """Return what a lock is held by. A host may be busy, and one that does not answer is unreachable."""
    link = session.links[host]
    try:
        channel = link.transport.open_session(timeout=ANSWERED)
        try:
            channel.exec_command(shell.as_root(f"sh -c {shlex.quote(script)}", become=link.become))
            _take(channel, session.cluster.name, host)
        except BaseException:
            channel.close()
            raise
    except (OSError, EOFError, paramiko.SSHException) as error:
        said = str(error) or f"no answer in {ANSWERED:.0f} s"
        raise UnreachableError(
            f"{host}: the run lock {ON_HOST} could not be asked for: {said}; is the host up, or very busy?"
        ) from error
    return channel


def _take(channel: paramiko.Channel, cluster: str, host: str) -> None:
    channel.settimeout(ANSWERED)
    answer = b""
    while answer != b"held\n" and (chunk := channel.recv(4096)):
        answer += chunk
    word, _, content = answer.decode(errors="replace").partition("\n")
    if word == "busy":
        raise LockedError(cluster, f"{ON_HOST} on {host}", read(content))
    if word != "held":
        said = channel.recv_stderr(4096).decode(errors="replace").strip()
        raise RunError(f"{host}: the run lock {ON_HOST} could not be taken: {said or 'no answer'}")


def _beat(channel: paramiko.Channel, run: greenlet.greenlet, host: str) -> None:
    """Send signs of life; when nobody takes them the lock is gone, and the run that held it ends."""
    try:
        while True:
            channel.sendall(b"alive\n")
            gevent.sleep(BEAT)
    except OSError:
        gevent.kill(run, LockLostError(host))
