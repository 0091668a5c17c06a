"""A model behind a Gateway is asked through it, by its name; past it where it does not lead to the model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import models_world
import pytest
from clusters import CLUSTER
from engine_world import KEY, MODEL, Engine, Hands, asked, said

from checks.acceptance.hands import Kubectl
from checks.acceptance.serving import ServingProbe
from checks.acceptance.serving_ways import SERVICES
from checks.cluster.snapshot import GATEWAY_PATHS
from checks.finding import Status
from deploy.model import Cluster

NAMED = {"expose": "gateway", "gateway": {**models_world.FRONT["gateway"], "hostname": "tiny.home.arpa"}}
Lists = dict[str, list[dict[str, Any]]]


def lists(engine: Engine) -> Lists:
    """Return what the API lists of a Gateway that leads to the model, by path."""
    gateway = copy.deepcopy(models_world.GATEWAY)
    gateway["spec"]["listeners"][0]["port"] = engine.server_address[1]
    return {
        GATEWAY_PATHS["gateways"]: [gateway],
        GATEWAY_PATHS["httproutes"]: [copy.deepcopy(models_world.ROUTE)],
        SERVICES: [],
    }


def test_a_model_is_asked_at_the_address_of_its_gateway_by_its_name(engine: Engine) -> None:
    hands = Hands(lists=lists(engine))

    found = said(asked(hands, **NAMED))

    assert {status for status, _ in found.values()} == {Status.PASS}
    port = engine.server_address[1]
    assert found["SRV-04"][1] == (
        f"tiny at 127.0.0.1:{port} as tiny.home.arpa, through Gateway gateways/front"
        " (dummy weights, cpu): 16 tokens"
    )
    assert engine.asked_as == {"tiny.home.arpa"}
    assert hands.ran == []


def test_a_model_without_a_host_name_is_asked_by_the_address_alone(engine: Engine) -> None:
    found = said(asked(Hands(lists=lists(engine)), **models_world.FRONT))

    assert found["SRV-04"] == (
        Status.PASS,
        "tiny at 127.0.0.1, through Gateway gateways/front (dummy weights, cpu): 16 tokens",
    )


def test_what_a_gateway_answers_instead_of_the_model_is_said(engine: Engine) -> None:
    engine.faults.add("ill")

    where = f"127.0.0.1:{engine.server_address[1]} as tiny.home.arpa"
    assert said(asked(Hands(lists=lists(engine)), **NAMED))["SRV-04"] == (
        Status.FAIL,
        f"tiny at {where}, through Gateway gateways/front: status 503",
    )


def test_behind_a_jump_host_a_gateway_is_asked_from_a_control_plane(engine: Engine) -> None:
    models = [{**MODEL, **NAMED}]
    wanted = {**CLUSTER.model_dump(mode="json", exclude_none=True), "models": models}
    wanted["ssh"] = {"jump": "ops@192.168.1.1"}
    hands = Hands(lists=lists(engine))
    kubectl = Kubectl(hands, "cp1", "/etc/kubernetes/admin.conf")

    found = said(ServingProbe(Cluster.model_validate(wanted), kubectl, lambda text: None).findings())

    where = f"127.0.0.1:{engine.server_address[1]} as tiny.home.arpa from cp1"
    assert found["SRV-04"][1] == (
        f"tiny at {where}, through Gateway gateways/front (dummy weights, cpu): 16 tokens"
    )
    assert {status for status, _ in found.values()} == {Status.PASS}
    assert engine.asked_as == {"tiny.home.arpa"}
    assert {host for host, _ in hands.ran} == {"cp1"}
    assert KEY not in repr((hands.ran, found))


def _refused(found: Lists) -> None:
    [accepted, _] = found[GATEWAY_PATHS["httproutes"]][0]["status"]["parents"][0]["conditions"]
    accepted |= {"status": "False", "reason": "NotAllowedByListeners"}


def _without_address(found: Lists) -> None:
    found[GATEWAY_PATHS["gateways"]][0]["status"].pop("addresses")


def _over_tls(found: Lists) -> None:
    found[GATEWAY_PATHS["gateways"]][0]["spec"]["listeners"][0]["protocol"] = "HTTPS"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_refused, "which does not lead to it (GW-03)"),
        (lambda found: found[GATEWAY_PATHS["gateways"]].clear(), "which does not lead to it (GW-03)"),
        (_without_address, "which has no address in its status"),
        (_over_tls, "which has no listener for tiny.home.arpa over plain HTTP"),
        (lambda found: found.pop(SERVICES), "since services could not be read"),
    ],
)
def test_past_its_gateway_a_model_is_asked_from_its_pods_node_and_that_is_said(
    engine: Engine, change: Callable[[Lists], object], why: str
) -> None:
    there = lists(engine)
    change(there)
    hands = Hands(lists=there)

    found = said(asked(hands, **NAMED))

    assert {status for status, _ in found.values()} == {Status.PASS}
    assert found["SRV-04"][1] == (
        f"tiny at 127.0.0.1 from w1, not through its Gateway, {why} (dummy weights, cpu): 16 tokens"
    )
    assert {host for host, _ in hands.ran} == {"w1"}
