"""One SSH connection to every host of a cluster for the whole of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import gevent
from gevent import monkey
from gevent.pool import Pool

from deploy.engine import hostkeys, shell, target, trouble
from deploy.engine.connect import Connector, RefusedError
from deploy.engine.link import Link, LostError, Ran
from deploy.engine.trouble import Cause, Trouble
from deploy.errors import Exit, HostError, SlipwayError, UnreachableError, worst
from deploy.model import Cluster, Node, paths

AT_ONCE = 32  # hosts that are worked on in parallel
T = TypeVar("T")


class Session:
    """The live connections. A host that cannot be used is in `troubles`, and the others go on.

    All hosts are connected, as one may have to be asked about another; only the `chosen` are worked on.
    `rootless` are connections to hosts in trouble that answer and give no root: good for reading only.
    """

    def __init__(self, cluster: Cluster, inventory: Path, chosen: frozenset[str] | None = None) -> None:
        if not monkey.is_module_patched("socket"):
            raise RuntimeError("import deploy.cli before anything else: a session needs gevent's patches")
        self.cluster = cluster
        self.inventory = inventory
        self.chosen = chosen or frozenset(node.name for node in cluster.nodes)
        self.links: dict[str, Link] = {}
        self.rootless: dict[str, Link] = {}
        self.troubles: dict[str, Trouble] = {}
        self.rehash = False  # whether a plan hashes what a stamp already vouches for
        self._connector = Connector(hostkeys.known(paths.known_hosts(cluster.name)), str(inventory))

    def __enter__(self) -> Self:
        opened = self.each((node.name for node in self.cluster.nodes), self._open)
        for name, found in opened.items():
            if isinstance(found, Link):
                self.links[name] = found
            else:
                self.troubles[name] = found
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for link in (*self.links.values(), *self.rootless.values()):
            link.close()
        self._connector.close()

    @property
    def hosts(self) -> tuple[str, ...]:
        """The nodes that can be used, in the inventory's order."""
        return tuple(node.name for node in self.cluster.nodes if node.name in self.links)

    @property
    def unreachable(self) -> dict[str, str]:
        """The nodes that cannot be used, and why."""
        return {name: found.text for name, found in self.troubles.items()}

    @property
    def exit_code(self) -> Exit:
        """What the state of the connections alone makes a run exit with."""
        met = (found.exit_code for name, found in self.troubles.items() if name in self.chosen)
        return worst(*met)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        """Run a shell command as root on a host; it is ended there after `timeout` seconds.

        Raises UnreachableError when the host is, or has become, unreachable.
        """
        return self._over(host, lambda link: link.run(command, stdin=stdin, timeout=timeout))

    def outlives(self, host: str) -> bool:
        """Say that a host is still there after something failed on it; raises as `run` does if not."""
        return self._over(host, Link.stands)

    def run_as_user(self, host: str, command: str, *, timeout: float = 60.0) -> Ran:
        """Run a shell command on a host of `rootless`, as the user that it lets in.

        Raises LostError when the connection dies.
        """
        return self.rootless[host].exec(shell.bounded(command, timeout), stdin=None, timeout=timeout)

    def run_many(
        self, commands: Mapping[str, str], *, stdin: str | bytes | None = None, timeout: float = 60.0
    ) -> dict[str, Ran]:
        """Run a command on each of several hosts at once; a host that is lost is missing in the answer."""

        def one(host: str) -> Ran | None:
            try:
                return self.run(host, commands[host], stdin=stdin, timeout=timeout)
            except UnreachableError:
                return None

        answers = self.each((host for host in commands if host in self.links), one)
        return {host: ran for host, ran in answers.items() if ran is not None}

    def each(self, hosts: Iterable[str], call: Callable[[str], T]) -> dict[str, T]:
        """Call for several hosts at once, and return the answers; the first exception is raised."""
        pool = Pool(AT_ONCE)
        started = {host: pool.spawn(call, host) for host in hosts}
        gevent.joinall(list(started.values()), raise_error=True)
        return {host: greenlet.get() for host, greenlet in started.items()}

    def lost(self, error: LostError) -> None:
        """Take the host whose connection died out of the run."""
        link = self.links.pop(error.host, None)
        if link is not None:
            link.close()
        self.troubles.setdefault(error.host, Trouble(error.host, Cause.LOST, str(error)))

    def again(self, host: str) -> bool:
        """Connect to a host anew, as after its reboot; say whether it can be used. Its trouble is kept."""
        if (link := self.links.pop(host, None)) is not None:
            link.close()
        found = self._open(host)
        if isinstance(found, Link):
            self.links[host] = found
            self.troubles.pop(host, None)
            return True
        self.troubles[host] = found
        return False

    def speechless(self) -> SlipwayError:
        """Return the error for a cluster no control plane of which can be used."""
        said = [f"no control plane of {self.cluster.name} can be used:", *self.unreachable.values()]
        kind = HostError if self.exit_code is Exit.FAILED else UnreachableError
        return kind("\n".join(said))

    def node(self, host: str) -> Node:
        """Return the node that a host is."""
        return self.cluster.node(host)

    def _over(self, host: str, use: Callable[[Link], T]) -> T:
        if host not in self.links:
            raise UnreachableError(self.unreachable[host])
        try:
            return use(self.links[host])
        except LostError as error:
            self.lost(error)
            raise

    def _open(self, host: str) -> Link | Trouble:
        where = target.target(self.cluster, self.node(host))
        try:
            link = self._connector.link(where)
            if where.user == target.ROOT:
                return link
            ran = link.run('test "$(id -u)" = 0', timeout=15)
        except RefusedError as refused:
            return refused.trouble
        except LostError as error:
            return Trouble(host, Cause.LOST, str(error))
        if ran.ok:
            return link
        self.rootless[host] = link
        return trouble.no_root(where, ran.err)
