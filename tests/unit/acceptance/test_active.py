"""The active verify: what each answer proves."""

from __future__ import annotations

import pytest
from active_world import bad, good, prove, quick, told  # noqa: F401 - a fixture

from checks.acceptance import active, outside
from checks.acceptance.gates import Gate
from checks.acceptance.probe import Said


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
