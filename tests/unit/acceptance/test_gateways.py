"""The Gateway API of models: one owner passes, and what a controller has taken; all else is said."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import models_world
import pytest
from clusters import CLUSTER, Ran

from checks.acceptance.hands import Kubectl
from checks.cluster import gateways
from checks.cluster.snapshot import DEFINITIONS, GATEWAY_PATHS, Answer, Snapshot, paths
from checks.finding import Finding, Status
from deploy.model import Cluster
from deploy.observe.kube import MARK

MODEL = {**models_world.MODEL, "gpus": None, "tensor_parallel": None, **models_world.FRONT}
Lists = dict[str, list[dict[str, Any]]]
ITS = "tiny: its HTTPRoute for gateways/front"
UNSEEN = "was said before it was changed, and no controller has looked since"


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
            lambda lists: lists["gateways"][0]["status"]["conditions"][1].update(observedGeneration=1),
            f"Gateway gateways/front: Programmed {UNSEEN}",
        ),
        (
            lambda lists: lists["httproutes"][0]["metadata"].update(generation=3),
            f"{ITS}: Accepted {UNSEEN}; {ITS}: ResolvedRefs {UNSEEN}",
        ),
        (
            lambda lists: lists["httproutes"][0]["status"]["parents"][0]["parentRef"].pop("namespace"),
            "tiny: no controller has looked at its HTTPRoute for gateways/front",
        ),
    ],
)
def test_what_a_controller_has_not_taken_is_said(change: Callable[[Lists], object], text: str) -> None:
    assert judged(change) == (Status.FAIL, text)


def test_of_a_gateway_that_is_not_programmed_the_listeners_say_why() -> None:
    def wrong(lists: Lists) -> None:
        status = lists["gateways"][0]["status"]
        refuse(status["conditions"], "Programmed")
        status["listeners"][0]["conditions"] = models_world.met("Accepted", "ResolvedRefs")
        refuse(status["listeners"][0]["conditions"], "Accepted")

    assert judged(wrong)[1] == (
        "Gateway gateways/front: Programmed is False: Reason in its words; "
        "Gateway gateways/front, listener web: Accepted is False: Reason in its words"
    )


@pytest.mark.parametrize("missing", ["gateways", "httproutes"])
def test_what_could_not_be_read_is_no_pass(missing: str) -> None:
    answers = {name: Answer(json.dumps({"items": []})) for name in GATEWAY_PATHS}
    answers[missing] = Answer(cause="the server could not find the requested resource")

    found: list[Finding] = [*gateways.taken(cluster(MODEL), Snapshot(answers))]

    assert [(each.check, each.status, each.found) for each in found] == [
        ("GW-03", Status.UNAVAILABLE, "the server could not find the requested resource")
    ]


def owned(definitions: list[dict[str, Any]] | None, declared: Cluster | None = None) -> tuple[Status, str]:
    answer = Answer(cause="timed out") if definitions is None else Answer(json.dumps({"items": definitions}))
    [found] = gateways.brought_once(cluster(MODEL), Snapshot({"definitions": answer}))
    assert found.check == "GW-01"
    return found.status, found.found


def defined(name: str, bundle: str | None = "v1.5.1", release: str | None = None) -> dict[str, Any]:
    notes = {"gateway.networking.k8s.io/bundle-version": bundle} if bundle else {}
    if release:
        home, _, chart = release.partition("/")
        notes |= {"meta.helm.sh/release-namespace": home, "meta.helm.sh/release-name": chart}
    return {"metadata": {"name": name, "annotations": notes or None}}


HTTP, TCP = "httproutes.gateway.networking.k8s.io", "tcproutes.gateway.networking.k8s.io"
TRAEFIK = "kube-system/traefik-crd"


@pytest.mark.parametrize(
    ("definitions", "expected"),
    [
        (
            [defined(HTTP), defined(TCP), defined("pools.metallb.io", "v9", "x/y")],
            (Status.PASS, "definitions: 2 of v1.5.1, of no Helm release"),
        ),
        (
            [defined(HTTP, release=TRAEFIK)],
            (Status.PASS, f"definitions: 1 of v1.5.1, of the release {TRAEFIK}"),
        ),
        (
            [defined(HTTP), defined(TCP, "v1.4.0")],
            (
                Status.FAIL,
                "definitions: 1 of v1.4.0, of no Helm release; 1 of v1.5.1, of no Helm release",
            ),
        ),
        (
            [defined(HTTP, release=TRAEFIK), defined(TCP)],
            (
                Status.FAIL,
                f"definitions: 1 of v1.5.1, of no Helm release; 1 of v1.5.1, of the release {TRAEFIK}",
            ),
        ),
        (
            [defined(HTTP, None), defined(TCP, None)],
            (Status.FAIL, "definitions: 2 of no known bundle, of no Helm release"),
        ),
        ([defined("pools.metallb.io")], (Status.FAIL, "the Gateway API is not defined")),
        (None, (Status.UNAVAILABLE, "timed out")),
    ],
)
def test_the_gateway_api_came_with_one_bundle_and_has_one_owner(
    definitions: list[dict[str, Any]] | None, expected: tuple[Status, str]
) -> None:
    assert owned(definitions) == expected


def test_of_definitions_metadata_alone_is_asked_and_apart() -> None:
    asked: list[str] = []

    class Hands:
        unreachable: Mapping[str, str] = MappingProxyType({})

        def run(self, host: str, command: str, **_: object) -> Ran:
            assert host == "cp1"
            asked.append(command)
            return Ran(out=f'{{"items": []}}\n{MARK}200 https://10.0.0.11:6443{DEFINITIONS}\n')

    paths = {"nodes": "/api/v1/nodes", "definitions": DEFINITIONS}
    answers = Kubectl(Hands(), "cp1", "/etc/kubernetes/admin.conf").ask(paths)

    assert [("PartialObjectMetadataList" in each, DEFINITIONS in each) for each in sorted(asked)] in (
        [(False, False), (True, True)],
        [(True, True), (False, False)],
    )
    assert answers["definitions"].items() == ()


def test_without_a_gateway_nothing_is_asked_and_nothing_said() -> None:
    plain = cluster({**MODEL, "expose": "cluster", "gateway": None})

    assert not GATEWAY_PATHS.items() & paths(plain).items()
    assert [*gateways.taken(plain, Snapshot({}))] == []
    assert [*gateways.brought_once(plain, Snapshot({}))] == []
    assert GATEWAY_PATHS.items() <= paths(cluster(MODEL)).items()
