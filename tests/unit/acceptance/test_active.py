"""The active verify against an API and hosts that answer as real ones did, and its cleaning up."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from clusters import CLUSTER, DIGEST, LOCK, Ran

from checks.acceptance import active, outside
from checks.acceptance.active import Probe, stale
from checks.acceptance.gates import Gate, Tell, silently
from checks.acceptance.hands import Kubectl
from checks.acceptance.probe import Said, answers, manifest, objects, script
from checks.finding import Finding
from deploy.errors import UnreachableError

RUN = "20261130T031700Z-9f3a"
WHERE = "slipway-verify-20261130t031700z-9f3a"
PODS = {"cp1": ("probe-a", "10.42.0.5"), "w1": ("probe-b", "10.42.1.5")}


def pod(name: str, node: str, address: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": node},
        "status": {
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"imageID": f"registry.k8s.io/agnhost@{DIGEST}", "state": {"running": {}}}],
        },
    }


@dataclass
class Cluster:
    """Answers for a control plane and two hosts; tests change what it says."""

    pods: list[dict[str, Any]] = field(
        default_factory=lambda: [pod(name, node, address) for node, (name, address) in PODS.items()]
    )
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    refuses: str = ""
    namespaces: list[dict[str, Any]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)
    creating: Callable[[], None] = lambda: None
    lists: dict[str, list[dict[str, Any]] | None] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert stdin or timeout
        if command.startswith("exec bash"):
            return Ran(out="".join(f"{name}\t{text}\n" for name, text in self.said[host].items()))
        words = command.split(" ", 3)[3]
        self.ran.append(words)
        if words.startswith("create"):
            self.creating()
            return Ran(1, err=self.refuses) if self.refuses else Ran()
        return Ran(out=self._answer(words)) if words.startswith("get") else Ran()

    def _answer(self, words: str) -> str:
        if "/pods?" in words:
            return json.dumps({"items": self.pods})
        if (name := words.rpartition("/")[2]) in ("storageclasses", "daemonsets"):
            items = self.lists.get(name, [])
            return "{}" if items is None else json.dumps({"items": items})
        if "labelSelector" in words:
            return json.dumps({"items": self.namespaces})
        spec = {"clusterIP": "10.43.0.9", "ports": [{"nodePort": 30123}]}
        return json.dumps({"spec": spec, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.200"}]}}})


def good() -> Cluster:
    """Return a cluster whose pods reach everything."""
    cluster = Cluster()
    for node, (name, _) in PODS.items():
        other, (theirs, _) = next((each, pod) for each, pod in PODS.items() if each != node)
        cluster.said[node] = {
            f"tcp {other}": json.dumps({"responses": [theirs]}),
            f"udp {other}": json.dumps({"responses": [theirs]}),
            "service": json.dumps({"responses": [name, theirs] * 4}),
            "name": json.dumps({"responses": [name]}),
        }
    return cluster


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "PODS", Gate("the probe's pods", 0.0, every=0.01))
    monkeypatch.setattr(active, "ANSWERS", Gate("answers", 0.0, every=0.01))
    monkeypatch.setattr(outside, "ADDRESS", Gate("an address", 0.0, every=0.01))
    monkeypatch.setattr(outside, "ANSWER", Gate("an answer", 0.0, every=0.01))
    monkeypatch.setattr(outside, "PORT", Gate("the port", 0.0, every=0.01))
    monkeypatch.setattr(outside, "hostname", lambda address, port: Said(responses=("probe-b",)))


def prove(cluster: Cluster, tell: Tell = silently) -> list[Finding]:
    kubectl = Kubectl(cluster, "cp1", "/etc/kubernetes/admin.conf")
    image = LOCK.image("agnhost@v1.36.3")
    return Probe(CLUSTER, RUN, image, ("cp1", "w1"), kubectl, cluster, tell).findings()


def told(findings: list[Finding]) -> list[tuple[str, str | None, str, str]]:
    return [(each.check, each.host, each.status.value, each.found) for each in findings]


def test_a_good_cluster_proves_every_path() -> None:
    assert told(prove(good())) == [
        ("HOST-18", "cp1", "pass", "2/2 paths to the pods of w1"),
        ("HOST-18", "w1", "pass", "2/2 paths to the pods of cp1"),
        ("K8S-06", "cp1", "pass", "the Service's name leads to it"),
        ("K8S-06", "w1", "pass", "the Service's name leads to it"),
        ("K8S-15", "cp1", "pass", "8/8 answers, from 2 pods"),
        ("K8S-15", "w1", "pass", "8/8 answers, from 2 pods"),
        ("RT-12", "cp1", "pass", "sha256:aaaaaaaaaaaa from upstream"),
        ("RT-12", "w1", "pass", "sha256:aaaaaaaaaaaa from upstream"),
        ("K8S-16", "cp1", "pass", "probe-b answered on 10.0.0.11:30123"),
        ("K8S-16", "w1", "pass", "probe-b answered on 10.0.0.12:30123"),
        ("LB-04", None, "pass", "probe-b answered on 10.0.0.200"),
        ("K8S-18", None, "skipped", "nothing here enforces NetworkPolicies: flannel by itself does not"),
        ("K8S-17", None, "skipped", "there is no storage class"),
    ]


def bad(findings: list[Finding]) -> list[tuple[str, str | None, str, str]]:
    return [each for each in told(findings) if each[2] not in ("pass", "skipped")]


def test_a_path_that_is_cut_one_way_is_found_where_it_begins() -> None:
    cluster = good()
    cluster.said["cp1"]["udp w1"] = '{"errors": ["i/o timeout"]}'

    findings = prove(cluster)

    assert bad(findings) == [("HOST-18", "cp1", "fail", "1/2 paths to the pods of w1")]
    assert findings[0].detail == "udp to w1: i/o timeout"


def test_an_answer_of_a_stranger_is_no_answer() -> None:
    cluster = good()
    cluster.said["cp1"]["tcp w1"] = '{"responses": ["somebody"]}'

    assert bad(prove(cluster)) == [("HOST-18", "cp1", "fail", "1/2 paths to the pods of w1")]


def test_a_name_that_is_not_found_is_blamed_on_dns_and_on_nothing_else() -> None:
    cluster = good()
    cluster.said["w1"]["name"] = "host and/or port param are invalid. lookup probe: no such host"

    assert bad(prove(cluster)) == [
        (
            "K8S-06",
            "w1",
            "fail",
            "host and/or port param are invalid. lookup probe: no such host",
        )
    ]


def test_a_dead_service_says_nothing_about_dns() -> None:
    cluster = good()
    cluster.said["w1"]["service"] = '{"errors": ["i/o timeout"]}'
    cluster.said["w1"]["name"] = '{"errors": ["i/o timeout"]}'

    assert bad(prove(cluster)) == [
        ("K8S-06", "w1", "unavailable", "the Service does not answer by its address either (K8S-15)"),
        ("K8S-15", "w1", "fail", "0/8 answers, from 0 pods"),
    ]


def test_a_service_that_answers_a_moment_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "ANSWERS", Gate("answers", 5.0, every=0.01))
    cluster, waited = good(), []
    in_time = cluster.said["w1"]["service"]
    cluster.said["w1"]["service"] = '{"errors": ["connection refused"]}'

    def tell(text: str) -> None:
        waited.append(text)
        cluster.said["w1"]["service"] = in_time

    assert bad(prove(cluster, tell)) == []
    assert waited == [
        "waiting for answers: K8S-15 on w1: 0/8 answers, from 0 pods",
        "waiting for answers: it is there",
    ]


def test_a_node_port_that_opens_a_moment_later_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "PORT", Gate("the port", 5.0, every=0.01))
    refused: list[str] = []

    def hostname(address: str, port: int) -> Said:
        if port == 80 or address in refused:
            return Said(responses=("probe-b",))
        refused.append(address)
        return Said(errors=("connection refused",))

    monkeypatch.setattr(outside, "hostname", hostname)

    assert bad(prove(good())) == []
    assert len(refused) == 2


def test_a_node_that_cannot_pull_is_named_and_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "hostname", lambda address, port: Said(responses=("probe-a",)))
    cluster = good()
    cluster.pods[1]["status"] = {
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [
            {"imageID": "", "state": {"waiting": {"reason": "ErrImagePull", "message": "connection refused"}}}
        ],
    }

    assert bad(prove(cluster)) == [
        ("HOST-18", "cp1", "unavailable", "no other node has a pod of the probe"),
        ("RT-12", "w1", "fail", "ErrImagePull connection refused"),
        ("HOST-18", "w1", "unavailable", "no pod of the probe runs there: ErrImagePull connection refused"),
        ("K8S-15", "w1", "unavailable", "no pod of the probe runs there: ErrImagePull connection refused"),
        ("K8S-06", "w1", "unavailable", "no pod of the probe runs there: ErrImagePull connection refused"),
    ]


def test_another_digest_than_the_locked_one_is_found() -> None:
    cluster = good()
    cluster.pods[1]["status"]["containerStatuses"][0]["imageID"] = "registry.k8s.io/agnhost@sha256:other"

    assert bad(prove(cluster)) == [("RT-12", "w1", "fail", "sha256:other from upstream")]


def test_nothing_passes_when_the_api_refuses() -> None:
    cluster = good()
    cluster.refuses = "forbidden: quota"

    findings = told(prove(cluster))

    assert {each[2:] for each in findings} == {("unavailable", "forbidden: quota")}
    assert [each[0] for each in findings if each[1] is None] == ["LB-04", "K8S-17", "K8S-18"]


def test_lists_that_cannot_be_read_are_not_taken_for_empty() -> None:
    cluster = good()
    cluster.lists = {"storageclasses": None, "daemonsets": None}

    assert bad(prove(cluster)) == [
        ("K8S-18", None, "unavailable", "the API listed no DaemonSets"),
        ("K8S-17", None, "unavailable", "the API listed no classes"),
    ]


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
