"""How a verify touches a cluster: commands on its hosts, and the API by one that may speak to it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol

from gevent.pool import Pool

from checks.acceptance.backend import Ran
from checks.acceptance.gates import Tell
from checks.cluster.snapshot import DEFINITIONS, READY, Answer
from deploy.errors import SlipwayError, UnreachableError
from deploy.model import Cluster, Distribution
from deploy.model.api_server import ADMIN, K3S_ADMIN
from deploy.observe import api

AT_ONCE = 4  # curls on one host: more only wait for each other's processor
PATIENCE = 20.0  # seconds for one answer; a busy control plane takes some
STALE = timedelta(minutes=15)  # far longer than any run takes: what is older was left by one that was killed
PROXY = "/proxy/"  # in a path that the API server hands on to a kubelet
KUBECONFIG = {
    Distribution.KUBEADM: ADMIN,
    Distribution.K3S: K3S_ADMIN,
}


class Hands(Protocol):
    """The engine's session, as far as a verify needs it."""

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        """Run a command as root; raises UnreachableError."""

    @property
    def unreachable(self) -> Mapping[str, str]:
        """The hosts that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl and the API itself on a control plane, with the administrator's credentials that lie there.

    `known` are answers, by path, of a moment ago.
    """

    hands: Hands
    host: str
    kubeconfig: str
    known: Mapping[str, Answer] = field(default_factory=dict)

    def __call__(self, words: str, *, stdin: str | None = None, timeout: float = 20.0) -> Ran:
        """Run kubectl; `words` are already quoted for a shell."""
        return self.hands.run(self.host, self._line(words, timeout), stdin=stdin, timeout=timeout)

    def _line(self, words: str, timeout: float) -> str:
        return f"kubectl --kubeconfig={self.kubeconfig} --request-timeout={max(int(timeout) - 2, 1)}s {words}"

    def raw(self, path: str) -> Answer:
        """Return what the API answers for a path."""
        try:
            ran = self(f"get --raw {shlex.quote(path)}", timeout=PATIENCE)
        except UnreachableError as error:
            return Answer(cause=str(error))
        said = ran.err.strip() or f"kubectl ended with {ran.rc}"
        return Answer(text=ran.out) if ran.rc == 0 else Answer(cause=said)

    def get(self, path: str) -> dict[str, Any]:
        """Return an object or a list; empty when it could not be read."""
        data = self.raw(path).data()
        return data if isinstance(data, dict) else {}

    def create(self, text: str, namespace: str) -> Ran:
        """Create a namespace and objects in it; after STALE the host deletes it, if by then nobody has.

        A run that is killed can take nothing away, and an address of the load balancer may be in there. The
        timer lives in the host's memory: a reboot forgets it, and then the next verify does its work.
        """
        given = f"--quiet --collect --setenv=KUBECACHEDIR --unit={shlex.quote(namespace)}"
        later = (
            f"systemd-run {given} --on-active={STALE.seconds}s {self._line(_deletion(namespace), PATIENCE)}"
        )
        line = f"{later} </dev/null && {self._line('create -f -', PATIENCE)}"
        return self.hands.run(self.host, line, stdin=text, timeout=PATIENCE)

    def remove_namespace(self, name: str, tell: Tell) -> None:
        """Delete a namespace, or tell why it stays; the API goes on with that alone."""
        words = _deletion(name)
        disarmed = f"{{ systemctl stop {shlex.quote(f'{name}.timer')} 2>/dev/null || :; }}"
        try:
            ran = self(f"{words} && {disarmed}")
            said = "" if ran.rc == 0 else ran.err.strip()
        except SlipwayError as error:
            said = str(error)
        if said:
            tell(f"namespace {name} was not removed: {said}; kubectl {words}")

    def ask(self, paths: Mapping[str, str]) -> dict[str, Answer]:
        """Return the answers for several paths; what a node answers for is asked apart, as it may be down."""
        apart = {name for name, path in paths.items() if PROXY in path or path == DEFINITIONS}
        pool = Pool(AT_ONCE)
        wanted = [path for name, path in paths.items() if name not in apart and path not in self.known]
        together = [wanted] if wanted else []
        found = {**self.known}
        for answers in pool.imap_unordered(self.read, [*together, *([paths[name]] for name in apart)]):
            found |= answers
        return {name: found[path] for name, path in paths.items()}

    def read(self, paths: Sequence[str]) -> dict[str, Answer]:
        """Return what the API answers for each path, by one curl: that costs less than half of a kubectl."""
        accept = api.METADATA_LIST if DEFINITIONS in paths else api.JSON
        try:
            ran = self.hands.run(self.host, api.command(paths, self.kubeconfig, accept), timeout=PATIENCE)
        except UnreachableError as error:
            return dict.fromkeys(paths, Answer(cause=str(error)))
        answers = api.said(ran.out.split("\n"))
        causes = [each.cause for each in answers if each.status == api.NOT_ASKED]
        silent = Answer(cause="; ".join(causes) or ran.err.strip() or f"asking for it ended with {ran.rc}")
        told = {
            each.path: Answer(text=each.text) if each.answered else Answer(cause=each.cause)
            for each in answers
            if each.status != api.NOT_ASKED
        }
        return {path: told.get(path, silent) for path in paths}


def _deletion(namespace: str) -> str:
    return f"delete --wait=false --ignore-not-found namespace {shlex.quote(namespace)}"


def kubectls(cluster: Cluster, hands: Hands) -> list[Kubectl]:
    """Return one per control plane that can be reached, in the inventory's order."""
    config = KUBECONFIG[cluster.kubernetes.distribution]
    return [
        Kubectl(hands, node.name, config)
        for node in cluster.control_planes
        if node.name not in hands.unreachable
    ]


def speaker(cluster: Cluster, hands: Hands) -> tuple[Kubectl | None, str]:
    """Return one whose API server is ready, or else why there is none."""
    causes = [*hands.unreachable.values()]
    for each in kubectls(cluster, hands):
        answer = each.read([READY])[READY]
        if answer.text is not None and answer.text.strip() == "ok":
            return replace(each, known={READY: answer}), ""
        causes.append(f"{each.host}: {answer.cause}")
    return None, "; ".join(causes) or "there is no control plane"
