"""What the active verify makes, and that nothing of it stays."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from active_world import RUN, WHERE, Cluster, bad, good, prove, quick  # noqa: F401 - a fixture
from clusters import Ran

from checks.acceptance.active import stale
from checks.acceptance.gates import silently
from checks.acceptance.hands import Kubectl
from checks.acceptance.probe import Said, answers, manifest, objects, script
from deploy.errors import UnreachableError


def test_a_host_that_is_lost_while_a_volume_is_claimed_leaves_the_rest_as_it_is() -> None:
    cluster = good()
    storage = {"name": "local", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    cluster.lists = {"storageclasses": [{"metadata": storage}]}
    made: list[str] = []

    def lose() -> None:
        made.append("objects")
        if len(made) > 1:
            raise UnreachableError("cp1: the connection was lost")

    cluster.creating = lose

    assert bad(prove(cluster)) == [("K8S-17", None, "unavailable", "cp1: the connection was lost")]
    assert deleted(cluster) == [WHERE]


def deleted(cluster: Cluster) -> list[str]:
    prefix = "delete --wait=false --ignore-not-found namespace "
    return [words.removeprefix(prefix) for words in cluster.ran if words.startswith(prefix)]


def test_the_namespace_is_removed_when_all_is_well() -> None:
    cluster = good()
    prove(cluster)

    assert deleted(cluster) == [WHERE]


@pytest.mark.parametrize("raised", [KeyboardInterrupt, RuntimeError])
def test_the_namespace_is_removed_when_the_run_is_ended(raised: type[BaseException]) -> None:
    cluster = good()

    def end() -> None:
        raise raised

    cluster.creating = end
    with pytest.raises(raised):
        prove(cluster)

    assert deleted(cluster) == [WHERE]


def test_a_host_deletes_the_namespace_of_a_run_that_is_killed() -> None:
    ran: list[tuple[str, float]] = []

    class Hands:
        unreachable: Mapping[str, str] = {}

        def run(self, host: str, command: str, *, stdin: object = None, timeout: float = 60.0) -> Ran:
            ran.append((f"{host}, {stdin}: {command}", timeout))
            return Ran()

    kubectl = Kubectl(Hands(), "cp1", "/etc/kubernetes/admin.conf")
    kubectl.create("{}", "slipway-verify-1")
    kubectl.remove_namespace("slipway-verify-1", silently)

    config = "kubectl --kubeconfig=/etc/kubernetes/admin.conf --request-timeout=18s"
    deletes = f"{config} delete --wait=false --ignore-not-found namespace slipway-verify-1"
    timer = "systemd-run --quiet --collect --setenv=KUBECACHEDIR --unit=slipway-verify-1 --on-active=900s"
    assert ran == [
        (f"cp1, {{}}: {timer} {deletes} </dev/null && {config} create -f -", 20.0),
        (f"cp1, None: {deletes} && {{ systemctl stop slipway-verify-1.timer 2>/dev/null || :; }}", 20.0),
    ]


def test_what_a_killed_run_left_is_removed_and_a_running_one_is_left_alone() -> None:
    def made(name: str, created: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "creationTimestamp": created}}

    now = datetime(2026, 11, 30, 3, 17, tzinfo=UTC)
    found = [
        made("slipway-verify-old", "2026-11-30T03:00:00Z"),
        made("slipway-verify-b", "2026-11-30T03:16:00Z"),
    ]

    assert stale(found, now) == ["slipway-verify-old"]


def test_the_objects_live_in_one_namespace_and_ask_for_no_privilege() -> None:
    space, daemonset, service = objects(RUN, "agnhost@sha256:a", balanced=True)

    assert (space["metadata"]["name"], service["spec"]["type"]) == (WHERE, "LoadBalancer")
    assert {daemonset["metadata"]["namespace"], service["metadata"]["namespace"]} == {WHERE}
    assert json.loads(manifest([space]))["kind"] == "List"
    [container] = daemonset["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert objects(RUN, "x", balanced=False)[2]["spec"]["type"] == "NodePort"


def test_the_script_is_one_word_for_the_shell_whatever_is_asked() -> None:
    text = script("10.42.0.5", [])

    assert shlex.split(text)[:3] == ["exec", "bash", "-c"]
    assert len(shlex.split(text)) == 4


def test_a_line_that_is_no_answer_is_an_error_and_an_empty_one_is_silence() -> None:
    assert answers("tcp w1\t\nudp w1\tconnection refused\nnoise\n") == {
        "tcp w1": Said(errors=("no answer in 4 s",)),
        "udp w1": Said(errors=("connection refused",)),
    }
