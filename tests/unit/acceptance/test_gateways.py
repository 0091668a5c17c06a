"""Routes of models by Gateways: what a controller has taken passes, all else is said in its words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import models_world
import pytest
from clusters import CLUSTER

from checks.cluster import gateways
from checks.cluster.snapshot import GATEWAY_PATHS, Answer, Snapshot, paths
from checks.finding import Finding, Status
from deploy.model import Cluster

MODEL = {**models_world.MODEL, "gpus": None, "tensor_parallel": None, **models_world.FRONT}
Lists = dict[str, list[dict[str, Any]]]


def cluster(*models: dict[str, Any]) -> Cluster:
    declared = CLUSTER.model_dump(mode="json", exclude_none=True)
    return Cluster.model_validate({**declared, "models": list(models)})


def judged(change: Callable[[Lists], object] | None = None) -> tuple[Status, str]:
    lists = copy.deepcopy({"gateways": [models_world.GATEWAY], "httproutes": [models_world.ROUTE]})
    if change:
        change(lists)
    answers = {name: Answer(json.dumps({"items": items})) for name, items in lists.items()}
    [found] = gateways.taken(cluster(MODEL), Snapshot(answers))
    return found.status, found.found


def refuse(conditions: list[dict[str, str]], kind: str) -> None:
    [found] = [each for each in conditions if each["type"] == kind]
    found |= {"status": "False", "reason": "Reason", "message": "in its words"}


def test_a_route_that_its_gateway_has_taken_passes() -> None:
    assert judged() == (Status.PASS, "tiny by gateways/front")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda lists: lists["gateways"].clear(), "tiny: there is no Gateway gateways/front"),
        (lambda lists: lists["httproutes"].clear(), "tiny: there is no HTTPRoute models/model-tiny"),
        (
            lambda lists: refuse(lists["gateways"][0]["status"]["conditions"], "Programmed"),
            "Gateway gateways/front: Programmed is False: Reason in its words",
        ),
        (
            lambda lists: lists["gateways"][0].pop("status"),
            "Gateway gateways/front: Programmed is not said",
        ),
        (
            lambda lists: refuse(lists["httproutes"][0]["status"]["parents"][0]["conditions"], "Accepted"),
            "tiny: its HTTPRoute for gateways/front: Accepted is False: Reason in its words",
        ),
        (
            lambda lists: refuse(
                lists["httproutes"][0]["status"]["parents"][0]["conditions"], "ResolvedRefs"
            ),
            "tiny: its HTTPRoute for gateways/front: ResolvedRefs is False: Reason in its words",
        ),
        (
            lambda lists: lists["httproutes"][0].pop("status"),
            "tiny: no controller has looked at its HTTPRoute for gateways/front",
        ),
        (
            lambda lists: lists["httproutes"][0]["status"]["parents"][0]["parentRef"].pop("namespace"),
            "tiny: no controller has looked at its HTTPRoute for gateways/front",
        ),
    ],
)
def test_what_a_controller_has_not_taken_is_said(change: Callable[[Lists], object], text: str) -> None:
    assert judged(change) == (Status.FAIL, text)


@pytest.mark.parametrize("missing", GATEWAY_PATHS)
def test_what_could_not_be_read_is_no_pass(missing: str) -> None:
    answers = {name: Answer(json.dumps({"items": []})) for name in GATEWAY_PATHS}
    answers[missing] = Answer(cause="the server could not find the requested resource")

    found: list[Finding] = [*gateways.taken(cluster(MODEL), Snapshot(answers))]

    assert [(each.check, each.status, each.found) for each in found] == [
        ("GW-03", Status.UNAVAILABLE, "the server could not find the requested resource")
    ]


def test_without_a_gateway_nothing_is_asked_and_nothing_said() -> None:
    plain = cluster({**MODEL, "expose": "cluster", "gateway": None})

    assert not GATEWAY_PATHS.items() & paths(plain).items()
    assert [*gateways.taken(plain, Snapshot({}))] == []
    assert GATEWAY_PATHS.items() <= paths(cluster(MODEL)).items()
