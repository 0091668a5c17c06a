"""A verify asks models that nothing here exposes from their pods' nodes, and says the same of them."""

from __future__ import annotations

import re

import pytest
from clusters import CLUSTER
from engine_world import KEY, MODEL, REFUSED, Engine, Hands, asked, said

from checks.acceptance.hands import Kubectl
from checks.acceptance.serving import ServingProbe
from checks.finding import Status
from deploy.model import Cluster


def test_a_model_that_nothing_here_exposes_is_asked_from_its_pods_node(engine: Engine) -> None:
    hands = Hands()

    found = said(asked(hands, expose="cluster"))

    assert {status for status, _ in found.values()} == {Status.PASS}
    assert found["SRV-04"][1] == "tiny at 127.0.0.1 from w1 (dummy weights, cpu): 16 tokens"
    assert re.fullmatch(r"tiny: first token after \d\.\d\d s, 3 pieces in \d\.\d\d s", found["SRV-08"][1])
    assert found["SRV-09"][1] == REFUSED
    assert found["SRV-10"][1] == "tiny: 12/12 names"
    assert {host for host, _ in hands.ran} == {"w1"}
    assert KEY not in repr((hands.ran, found))


@pytest.mark.parametrize("fault", ["misnamed", "mute", "empty", "broken", "open", "beside", "renamed"])
def test_a_fault_is_said_from_a_node_as_it_is_from_here(engine: Engine, fault: str) -> None:
    engine.faults.add(fault)

    here = said(asked())
    there = said(asked(expose="cluster"))

    failed = [check for check, (status, _) in here.items() if status is Status.FAIL]
    assert [check for check, (status, _) in there.items() if status is Status.FAIL] == failed
    [check] = failed
    assert there[check][1].replace(" from w1", "") == here[check][1]


def test_a_stream_from_a_node_that_does_not_end_is_none(engine: Engine) -> None:
    engine.faults.add("endless")

    assert said(asked(expose="cluster"))["SRV-08"][1].endswith(", and no end")


def test_a_model_that_nobody_answers_for_is_said_in_curls_words(engine: Engine) -> None:
    engine.shutdown()
    engine.server_close()

    status, text = said(asked(expose="cluster"))["SRV-04"]

    assert status is Status.FAIL
    assert text.startswith("tiny at 127.0.0.1 from w1: curl: (7) Failed to connect to 127.0.0.1 port ")


def test_a_pod_is_asked_itself_where_the_service_may_lead_to_another_node(engine: Engine) -> None:
    found = said(asked(Hands(pods=["w2", "w1", "w0 False"]), expose="cluster"))

    assert found["SRV-04"][1] == "tiny at 127.0.0.2 from w1 (dummy weights, cpu): 16 tokens"


def test_a_model_without_a_ready_pod_passes_nothing(engine: Engine) -> None:
    found = said(asked(Hands(pods=["w1 False"]), expose="cluster"))

    why = "tiny: no pod of it is ready on a node that is reached (SRV-07)"
    assert set(found.values()) == {(Status.UNAVAILABLE, why)}


def test_models_are_judged_together_wherever_each_is_asked_from(engine: Engine) -> None:
    engine.faults.add("misnamed")

    status, text = said(asked(None, {"name": "inner", "expose": "cluster"}))["SRV-04"]

    assert (status, text) == (
        Status.FAIL,
        "tiny at 127.0.0.1: lists other; inner at 127.0.0.1 from w1: lists other",
    )


def test_behind_a_jump_host_a_model_is_asked_from_its_pods_node(engine: Engine) -> None:
    models = [MODEL]
    wanted = {**CLUSTER.model_dump(mode="json", exclude_none=True), "models": models}
    wanted["ssh"] = {"jump": "ops@192.168.1.1"}
    kubectl = Kubectl(Hands(), "cp1", "/etc/kubernetes/admin.conf")

    found = said(ServingProbe(Cluster.model_validate(wanted), kubectl, lambda text: None).findings())

    assert found["SRV-04"] == (Status.PASS, "tiny at 127.0.0.1 from w1 (dummy weights, cpu): 16 tokens")
