"""What the API answers, as a verify and a drift read it: by curl on a control plane."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from clusters import CLUSTER
from typing_extensions import override

from checks.acceptance.backend import Ran
from checks.acceptance.hands import Kubectl, speaker
from checks.cluster.snapshot import Answer, snapshot
from deploy.errors import UnreachableError


@dataclass
class Said:
    rc: int = 0
    out: str = ""
    err: str = ""


@dataclass
class Hands:
    """A control plane; `says` gives status and body for a path."""

    says: Callable[[str], tuple[str, str]]
    unreachable: dict[str, str] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert (host, stdin, bool(timeout)) == ("cp1", None, True)
        paths = [word.removeprefix('"$server"') for word in command.split() if word.startswith('"$server"')]
        self.asked.append(paths)
        answers = ((path, *self.says(path)) for path in paths)
        return Said(
            out="".join(
                f"{body}\n=== slipway {status} https://a:6443{path}\n" for path, status, body in answers
            )
        )


def kubectl(hands: Hands) -> Kubectl:
    return Kubectl(hands, "cp1", "/etc/kubernetes/admin.conf")


def test_lists_are_asked_for_at_once_and_what_nodes_answer_each_by_itself() -> None:
    hands = Hands(lambda path: ("200", json.dumps({"items": [{"metadata": {"name": path}}]})))

    seen = snapshot(CLUSTER, kubectl(hands).ask)

    together, *apart = sorted(hands.asked, key=len, reverse=True)
    assert together[:3] == ["/readyz", "/version", "/api/v1/nodes"]
    assert sorted(apart) == [["/api/v1/nodes/cp1/proxy/configz"], ["/api/v1/nodes/w1/proxy/configz"]]
    assert seen.items("nodes") == ({"metadata": {"name": "/api/v1/nodes"}},)
    assert seen.configz["w1"].items() == ({"metadata": {"name": "/api/v1/nodes/w1/proxy/configz"}},)


def test_what_is_refused_or_silent_is_no_answer_and_says_why() -> None:
    def says(path: str) -> tuple[str, str]:
        if path == "/forbidden":
            return "403", json.dumps({"kind": "Status", "message": "pods is forbidden"})
        if path == "/readyz":
            return "500", "[+]ping ok\n[-]etcd failed: reason withheld"
        if path == "/log":
            return "200", "one\n\ntwo\n"
        return "000", "curl: (28) Operation timed out"

    assert kubectl(Hands(says)).read(["/forbidden", "/readyz", "/log", "/slow"]) == {
        "/forbidden": Answer(cause="pods is forbidden"),
        "/readyz": Answer(cause="status 500: [+]ping ok [-]etcd failed: reason withheld"),
        "/log": Answer(text="one\n\ntwo\n"),
        "/slow": Answer(cause="curl: (28) Operation timed out"),
    }


def test_a_control_plane_without_a_kubeconfig_or_out_of_reach_says_so() -> None:
    class Bare(Hands):
        @override
        def run(self, *_: object, **__: object) -> Ran:
            return Said(out="=== slipway no cluster\n")

    class Gone(Hands):
        @override
        def run(self, *_: object, **__: object) -> Ran:
            raise UnreachableError("cp1: the connection was lost")

    bare, gone = (kind(lambda _: ("200", "ok")) for kind in (Bare, Gone))

    assert kubectl(bare).read(["/readyz"]) == {"/readyz": Answer(cause="there is no kubeconfig")}
    assert kubectl(gone).read(["/readyz"]) == {"/readyz": Answer(cause="cp1: the connection was lost")}
    assert speaker(CLUSTER, bare) == (None, "cp1: there is no kubeconfig")


def test_who_is_ready_speaks_and_is_not_asked_that_again() -> None:
    hands = Hands(lambda _: ("200", "ok"))

    found, cause = speaker(CLUSTER, hands)

    assert cause == ""
    assert found is not None
    assert found.ask({"ready": "/readyz", "version": "/version"})["ready"] == Answer(text="ok")
    assert hands.asked == [["/readyz"], ["/version"]]
