"""What a model cannot be, or where it cannot run, is refused before anything is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.errors import InventoryError
from deploy.model import load_cluster
from deploy.model.serving import Model
from deploy.plan import unsupported
from deploy.serving import shape
from tests.unit.serving.clusters import A770, ARC, CONFIG, TINY, said

LENGTHENED = (
    "lower it, or set in --hf-overrides what makes it longer: rope_parameters, and max_position_embeddings"
    " with YaRN"
)


def test_a_context_that_the_model_was_not_made_for_is_refused(config: str) -> None:
    longer = {**ARC, "config": config, "context": 65536}

    assert said(longer) == [
        f"models[0].context: 65536 tokens, and the model was made for 32768; {LENGTHENED}",
    ]


@pytest.mark.parametrize(
    ("changes", "longest"),
    [
        ({"arguments": ['--hf-overrides={"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}']}, 32768),
        ({"arguments": ['--hf-overrides={"rope_scaling": {"type": "linear", "factor": 4.0}}']}, 131072),
        ({"arguments": ["--hf-overrides", '{"max_position_embeddings": 131072}']}, 131072),
        ({"arguments": ["--hf-overrides.max_position_embeddings=131072"]}, None),
        ({"image": "docker.io/intel/llm-scaler-vllm:0.14.0-b8.1"}, None),
        ({"environment": {"VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1"}}, None),
    ],
)
def test_a_model_reads_as_far_as_it_is_told_to(
    changes: dict[str, Any], longest: int | None, config: str
) -> None:
    known = shape.read(Model.model_validate({**ARC, "config": config, **changes}))
    over = said({**ARC, "config": config, "context": 131073, **changes})

    assert known is not None
    assert known.longest == longest
    assert bool(over) is (longest is not None)


@pytest.mark.parametrize(
    ("rope", "longest"),
    [
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0}}, 65536),
        ({"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}, 32768),
        ({"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0}}}, 262144),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 1e6}}, 32768),
        ({"rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096}}, 32768),
        ({"model_type": "gemma3_text", "rope_scaling": {"rope_type": "linear", "factor": 8.0}}, 32768),
    ],
)
def test_only_some_scaling_makes_a_model_read_further_than_it_says(
    rope: dict[str, Any], longest: int
) -> None:
    assert shape.of({**CONFIG, **rope}).longest == longest


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"gpus": {"vendor": "nvidia"}, "accelerator": None},
            "models[0].gpus: no node has GPUs of nvidia; declare them in nodes[].gpus",
        ),
        (
            {"accelerator": "cpu", "gpus": None, "data_parallel": 2, "memory": "60Gi", "placement": {}},
            "models[0].data_parallel: goes with gpus only, and there are none; set replicas instead",
        ),
        (
            {"gpus": {"vendor": "intel", "count": 3}},
            "models[0].gpus: no node has 3 of a GPU of intel, the largest has 2; ask for less",
        ),
        (
            {"placement": {"node_selector": {"kubernetes.io/hostname": "w1"}}},
            "models[0].placement: no node that could run this model has these labels",
        ),
        (
            {"shared_memory": "24Gi"},
            "models[0].memory: shared_memory takes 24Gi of it, and leaves nothing; ask for more",
        ),
        (
            {"arguments": ["--seeed=1"]},
            "models[0].arguments[0]: vLLM 0.32.0 has no argument --seeed; did you mean --seed?",
        ),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, Any], text: str) -> None:
    assert said({**ARC, **changes}) == [text]


@pytest.mark.parametrize(
    ("tolerations", "good"),
    [
        ([], False),
        ([{"key": "dedicated"}], True),
        ([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}], True),
        ([{"key": "dedicated", "value": "database"}], False),
        ([{"key": "dedicated", "value": "gpu", "effect": "NoExecute"}], False),
        ([{"operator": "Exists"}], True),
    ],
)
def test_a_taint_that_keeps_a_model_off_its_only_node_is_named(
    tolerations: list[dict[str, str]], good: bool
) -> None:
    taint = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    nodes = [
        {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
        {"name": "w1", "address": "192.168.1.12", "roles": ["worker"]},
        {"name": "arc1", "address": "192.168.1.13", "roles": ["worker"], "gpus": A770, "taints": [taint]},
    ]

    found = said({**ARC, "placement": {"tolerations": tolerations}}, nodes=nodes)

    refused = (
        "models[0].placement: its pods would tolerate no node that could run it: arc1 has"
        " dedicated=gpu:NoSchedule; add to placement.tolerations"
    )
    assert found == ([] if good else [refused])


def test_a_cache_that_holds_no_sequence_is_refused(config: str) -> None:
    assert said({**TINY, "config": config, "context": 256, "kv_cache": "7Mi"}) == [
        "models[0].kv_cache: 7Mi holds 128 tokens, and a sequence may have 256; raise it, or lower context"
    ]


def test_a_model_without_a_source_is_a_mistake_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "homelab.yaml"
    path.write_text(
        "name: homelab\n"
        "nodes: [{name: cp1, address: 192.168.1.11, roles: [control-plane]}]\n"
        "load_balancer: {pool: [192.168.1.240-192.168.1.250]}\n"
        "models: [{name: tiny, source: {}, weights: 1Gi, memory: 4Gi, context: 256}]\n"
    )

    with pytest.raises(InventoryError) as caught:
        load_cluster(path, rules=[unsupported])

    wanted = "found none of them, wanted exactly one of modelkit, s3, hub, pvc, host_path"
    assert str(caught.value) == (f"{path} is not a valid cluster:\n  models[0].source (line 4): {wanted}")
