"""What models ask for together is held against what their nodes have together."""

from __future__ import annotations

from typing import Any

from deploy.model.mistake import written
from deploy.serving import together
from tests.unit.serving.clusters import A770, ARC, TINY, cluster

ADVICE = "lower count or replicas, or declare more GPUs"
SHARED = {"storage_class": "slipway-nfs", "volume": "shared"}
OTHER = {**ARC, "name": "other"}


def nodes(*gpus: dict[str, Any] | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]}]
    for number, each in enumerate(gpus, 1):
        node = {"name": f"n{number}", "address": f"192.168.1.{20 + number}", "roles": ["worker"]}
        found.append({**node, **({"gpus": each} if each else {})})
    return found


def said(*models: dict[str, Any], **keys: Any) -> list[str]:
    return [f"{written(each.place)}: {each.text}" for each in together.gpu_mistakes(cluster(*models, **keys))]


def of(count: int, **keys: Any) -> dict[str, Any]:
    return {"gpus": {"vendor": "intel", "model": "A770", "count": count}, **keys}


def test_one_model_that_takes_all_cards_is_no_mistake() -> None:
    assert said(ARC, TINY) == []


def test_two_models_on_the_cards_of_one_are_refused() -> None:
    assert said(ARC, OTHER) == [
        f"models[1].gpus: qwen's 2 and other's 2 are 4 GPUs, and there is room for 2: 2 on arc1; {ADVICE}"
    ]


def test_replicas_count() -> None:
    assert said({**ARC, **SHARED, "replicas": 3}) == [
        f"models[0].gpus: qwen's 3 times 2 are 6 GPUs, and there is room for 2: 2 on arc1; {ADVICE}"
    ]


def test_a_pods_cards_are_of_one_node() -> None:
    three = nodes({**A770, "count": 3}, {**A770, "count": 3})

    assert said({**ARC, **SHARED, **of(3), "replicas": 2}, nodes=three) == []
    assert said({**ARC, **SHARED, **of(2), "replicas": 3}, nodes=three) == [
        f"models[0].gpus: qwen's 3 times 2 are 6 GPUs, and there is room for 4: 3 on n1, 3 on n2; {ADVICE}"
    ]
    assert said({**ARC, **of(2)}, {**OTHER, **of(1)}, {**OTHER, "name": "more", **of(3)}, nodes=three) == []


def test_models_that_may_go_elsewhere_are_judged_with_all_nodes_and_said_once() -> None:
    here = {"placement": {"node_selector": {"kubernetes.io/hostname": "n1"}}}
    both = nodes(A770, A770)

    assert said({**ARC, **here, **of(2)}, {**OTHER, **of(2)}, nodes=both) == []
    three = [{**ARC, **here, **of(2)}, {**OTHER, **of(1)}, {**OTHER, "name": "x", **of(2)}]
    [found] = said(*three, nodes=both)
    assert found == (
        "models[2].gpus: qwen's 2 and other's 1 and x's 2 are 5 GPUs, and there is room for 4: 2 on n1, 2 on"
        f" n2; {ADVICE}"
    )
    assert said({**ARC, **here, **of(2)}, {**OTHER, **here, **of(1)}, {**OTHER, "name": "x"}, nodes=both) == [
        f"models[1].gpus: qwen's 2 and other's 1 are 3 GPUs, and there is room for 2: 2 on n1; {ADVICE}"
    ]


def test_shares_of_a_card_count_as_the_plugin_counts_them() -> None:
    shared = {**A770, "allocation": "device-plugin", "sharing": {"strategy": "shared", "replicas": 2}}
    models = [{**ARC, "name": name, **of(1)} for name in "abcde"]

    assert said(*models[:4], nodes=nodes(shared)) == []
    assert len(said(*models, nodes=nodes(shared))) == 1


B580 = {"vendor": "intel", "model": "B580", "count": 1}
H100 = {"vendor": "nvidia", "model": "H100", "count": 2}
ANY = {"gpus": {"vendor": "intel", "count": 1}}


def test_cards_of_a_nodes_models_are_room_for_who_can_use_them() -> None:
    """A model of one card may have either of two models; a pod's cards are of one."""
    one = nodes([A770, B580])
    alone = {"name": "alone", "gpus": {"vendor": "intel", "model": "B580", "count": 1}}

    assert said({**ARC, **of(2)}, {**OTHER, **ANY}, nodes=one) == []
    assert said({**ARC, **of(2)}, {**ARC, **alone}, nodes=one) == []
    assert said({**ARC, **alone}, {**ARC, **alone, "name": "more"}, nodes=one) == [
        f"models[1].gpus: alone's 1 and more's 1 are 2 GPUs, and there is room for 1: 1 B580 on n1; {ADVICE}"
    ]
    assert said({**ARC, **of(2)}, {**ARC, **alone}, {**OTHER, **ANY}, nodes=one) == [
        (
            "models[2].gpus: qwen's 2 and alone's 1 and other's 1 are 4 GPUs, and there is room for 3: 2 A770"
            f" on n1, 1 B580 on n1; {ADVICE}"
        )
    ]


def test_cards_of_another_vendor_in_the_same_node_are_no_room() -> None:
    of_nvidia = {"gpus": {"vendor": "nvidia", "count": 2}, "name": "nv"}
    one = nodes([A770, H100])

    assert said({**ARC, **of(2)}, {**ARC, **of_nvidia}, nodes=one) == []
    assert said({**ARC, **of(2)}, OTHER, {**ARC, **of_nvidia}, nodes=one) == [
        f"models[1].gpus: qwen's 2 and other's 2 are 4 GPUs, and there is room for 2: 2 on n1; {ADVICE}"
    ]
