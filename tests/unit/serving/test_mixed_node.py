"""Models on one node with cards of two vendors and three models."""

from __future__ import annotations

from typing import Any

from deploy.serving import fit, placing
from deploy.steps.serving import vllm
from tests.unit.serving.clusters import A770, ARC, cluster
from tests.unit.serving.test_together import B580, H100, nodes

MIXED = nodes([A770, B580, H100])


def on(vendor: str = "intel", count: int = 1, **gpus: Any) -> dict[str, Any]:
    name = f"{vendor}-{gpus.get('model', 'any').lower()}"
    return {**ARC, "name": name, "gpus": {"vendor": vendor, "count": count, **gpus}}


def placed(*models: dict[str, Any]) -> list[list[str]]:
    declared = cluster(*models, nodes=MIXED)
    return [[gpus.model for _, gpus in placing.gpus(declared, model)] for model in declared.models]


def strategy(*models: dict[str, Any]) -> dict[str, Any]:
    declared = cluster(*models, nodes=MIXED)
    found: dict[str, Any] = vllm.deployment(declared, declared.models[0], "image")[1]["spec"]["strategy"]
    return found


def test_a_models_gpus_are_the_cards_that_it_names_or_any_of_the_vendors_with_enough_memory() -> None:
    assert placed(on(model="B580"), on(), on(memory="14Gi"), on("nvidia")) == [
        ["B580"],
        ["A770", "B580"],
        ["A770"],
        ["H100"],
    ]


def test_cards_of_which_a_node_has_too_few_for_a_pod_are_none_that_it_may_get() -> None:
    declared = cluster(on(count=2), nodes=MIXED)
    [model] = declared.models

    assert placed(on(count=2), on("nvidia", 2)) == [["A770"], ["H100"]]
    assert fit.of(declared, model).where == "0.92 of one A770 with 16.0 GiB"


def test_what_prepares_a_model_lies_on_no_node_with_too_few_cards_for_it() -> None:
    declared = cluster(on(count=2), nodes=nodes(A770, {**A770, "count": 1}))

    assert [node.name for node in placing.nodes(declared, declared.models[0])] == ["n1"]


def test_a_node_is_one_place_however_many_of_its_models_would_do() -> None:
    declared = cluster(on(), nodes=MIXED)

    assert [node.name for node in placing.nodes(declared, declared.models[0])] == ["n1"]


def test_a_model_fits_the_smallest_card_that_it_may_get() -> None:
    declared = cluster(on(), on(model="A770"), nodes=MIXED)

    assert [fit.of(declared, model).where for model in declared.models] == [
        "0.92 of one B580 with 12.0 GiB",
        "0.92 of one A770 with 16.0 GiB",
    ]


def test_a_new_pod_comes_first_where_another_card_is_free_for_it() -> None:
    surge = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}

    assert strategy(on(model="B580")) == {"type": "Recreate"}
    assert strategy(on()) == surge
    assert strategy(on(), on(model="A770")) == surge
    assert strategy(on(), on(model="A770", count=2)) == {"type": "Recreate"}
    assert strategy(on(model="A770"), on(model="B580"), on("nvidia", 2)) == surge
