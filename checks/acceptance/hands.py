"""How a verify touches a cluster: commands on its hosts, and kubectl on one that may speak to the API."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gevent.pool import Pool

from checks.acceptance.backend import Ran
from checks.acceptance.gates import Tell
from checks.cluster.snapshot import KINDS, READY, Answer
from deploy.errors import SlipwayError, UnreachableError
from deploy.model import Cluster, Distribution
from deploy.model.api_server import ADMIN, K3S_ADMIN

AT_ONCE = 4  # kubectls on one host: more only wait for each other's processor
PATIENCE = 20.0  # seconds for one answer; a busy control plane takes some
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
    """kubectl on a control plane, with the administrator's credentials that lie there.

    `known` are answers, by path, of a moment ago.
    """

    hands: Hands
    host: str
    kubeconfig: str
    known: Mapping[str, Answer] = field(default_factory=dict)

    def __call__(self, words: str, *, stdin: str | None = None, timeout: float = 20.0) -> Ran:
        """Run kubectl; `words` are already quoted for a shell."""
        limit = f"--request-timeout={max(int(timeout) - 2, 1)}s"
        line = f"kubectl --kubeconfig={self.kubeconfig} {limit} {words}"
        return self.hands.run(self.host, line, stdin=stdin, timeout=timeout)

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

    def remove_namespace(self, name: str, tell: Tell) -> None:
        """Delete a namespace, or tell why it stays; the API goes on with that alone."""
        words = f"delete --wait=false --ignore-not-found namespace {shlex.quote(name)}"
        try:
            ran = self(words)
            said = "" if ran.rc == 0 else ran.err.strip()
        except SlipwayError as error:
            said = str(error)
        if said:
            tell(f"namespace {name} was not removed: {said}; kubectl {words}")

    def ask(self, paths: Mapping[str, str]) -> dict[str, Answer]:
        """Return the answers for several paths: lists by one kubectl, the others a few at once."""
        lists = {name: path for name, path in paths.items() if path in KINDS}
        pool = Pool(AT_ONCE)
        together = pool.spawn(self._lists, lists)
        asked = {name: pool.spawn(self._raw, path) for name, path in paths.items() if name not in lists}
        one_by_one = {name: greenlet.get() for name, greenlet in asked.items()}
        return {**together.get(), **one_by_one}

    def _raw(self, path: str) -> Answer:
        return self.known.get(path) or self.raw(path)

    def _lists(self, paths: Mapping[str, str]) -> dict[str, Answer]:
        """Return lists fetched together, or one by one when one of them can't be: then each has its cause.

        Most of what an answer costs a control plane is that a kubectl starts.
        """
        words = ",".join(KINDS[path][0] for path in paths.values())
        try:
            ran = self(f"get {words} --all-namespaces -o json", timeout=PATIENCE)
            items = json.loads(ran.out)["items"] if ran.rc == 0 else None
        except (UnreachableError, ValueError, KeyError):
            items = None
        if items is None:
            return {name: self.raw(path) for name, path in paths.items()}
        return {
            name: Answer(text=json.dumps({"items": [each for each in items if each["kind"] == kind]}))
            for name, path in paths.items()
            for kind in [KINDS[path][1]]
        }


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
    causes = [f"{name}: {cause}" for name, cause in hands.unreachable.items()]
    for each in kubectls(cluster, hands):
        answer = each.raw(READY)
        if answer.text is not None and answer.text.strip() == "ok":
            return replace(each, known={READY: answer}), ""
        causes.append(f"{each.host}: {answer.cause}")
    return None, "; ".join(causes) or "there is no control plane"
