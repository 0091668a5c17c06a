"""What the control plane says of nodes, and what makes one well again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.engine import speaker, wellness
from deploy.engine.session import Session
from deploy.engine.speaker import CORDONED, KubeNode
from deploy.engine.wellness import Wellness
from deploy.errors import RunError
from tests.unit.engine.kubectl import node, pod


def test_the_annotation_is_in_the_domain_of_every_other_one() -> None:
    assert CORDONED == "slipway.dev/cordoned"


def test_the_api_is_asked_as_its_administrator() -> None:
    asked = speaker.asking("/readyz")

    assert "/etc/kubernetes/admin.conf" in asked
    assert ' "$server"/readyz ' in asked


def test_nodes_that_may_not_be_listed_are_an_error_that_says_why(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusal = json.dumps({"kind": "Status", "message": "nodes is forbidden"})
    monkeypatch.setattr(speaker, "asking", lambda _: f"echo '{refusal}'; echo '=== slipway 403 https://api'")

    with pytest.raises(RunError, match=r"^cp1: the API server did not list its nodes: nodes is forbidden$"):
        speaker.nodes(session, "cp1")


def test_half_a_list_of_nodes_is_none(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    half = '{"items": [{"metadata"'
    monkeypatch.setattr(speaker, "asking", lambda _: f"echo '{half}'; echo '=== slipway 200 https://api'")

    with pytest.raises(RunError, match=r"^cp1: the API server broke off when it listed its nodes$"):
        speaker.nodes(session, "cp1")


def test_an_api_that_does_not_answer_speaks_for_nobody(session: Session, api: Path) -> None:
    (api / "down").touch()

    assert speaker.speaker(session) is None


def test_a_node_is_well_when_its_kubelet_reported_it_is_ready_and_so_are_its_pods() -> None:
    well = Wellness(reported=100.5, ready=True, pods={"default/a": True, "default/b": False})

    assert well.lacks(100, frozenset({"default/a", "default/gone"})) is None
    assert well.lacks(101, frozenset()) == "its kubelet has not reported since"
    assert well.lacks(100, frozenset({"default/b"})) == "pods that were Ready are not: default/b"
    assert Wellness(100.5, ready=False, pods={}).lacks(100, frozenset()) == "it is not Ready"


def test_a_nodes_lease_itself_and_its_pods_are_read() -> None:
    pods = [pod("a", ready=True), pod("b", ready=False), pod("done", ready=False, phase="Succeeded")]
    lease = {"spec": {"renewTime": "2026-11-30T00:00:01.500000Z"}}

    found = wellness.parse("\n---\n".join(map(json.dumps, (lease, node("w1"), {"items": pods}))))

    assert found == Wellness(1795996801.5, ready=True, pods={"default/a": True, "default/b": False})


def test_a_nodes_state_is_read() -> None:
    item = {**node("w1", ready=False, annotations={CORDONED: "x"}), "spec": {"unschedulable": True}}

    assert speaker.kube_node(item) == KubeNode(
        "w1", ready=False, unschedulable=True, cordoned_by_us=True, labels=frozenset()
    )
