"""What works, and likely not as wished, is said and refused to nobody."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.observe.cards import cards
from deploy.serving import mistakes
from tests.unit.serving.clusters import ARC, CONFIG, TINY, said, warned

CROWDED = (
    "models[0].concurrency: 6 of 64 sequences of 32768 tokens fit into the KV cache at once; shorter ones"
    " do, the others wait"
)
UNJUDGED = (
    "models[0].config: whether a sequence of 10000000 tokens fits into the KV cache is not known; name the"
    " model's config.json here, or set kv_cache"
)
SEVERAL = (
    "2 Intel GPUs in one pod need a system call that no pod of a model may make, and what oneCCL falls back"
    " to hung or aborted for others (uxlfoundation/oneCCL#217, #213); set count: 1 where one holds the model"
)
ALCHEMIST = (
    "models[0].gpus: vLLM's attention for Intel GPUs does not support A770, so this is an experiment; try"
    " --attention-backend=TRITON_ATTN in arguments, or another image"
)
EXPERIMENT = f"{ALCHEMIST}; {SEVERAL}"


def test_a_card_that_vllm_leaves_out_is_an_experiment_and_an_image_of_ones_own_is_not_judged() -> None:
    one = {**ARC, "kv_cache": "1Gi", "weights": "4Gi", "gpus": {**ARC["gpus"], "count": 1}}
    assert warned(one) == [ALCHEMIST]
    assert warned({**one, "image": "docker.io/intel/llm-scaler-vllm:0.14.0-b8.1"}) == []
    assert warned({**TINY, "memory": "8Gi"}) == []


def test_several_intel_gpus_in_one_pod_are_an_experiment_whatever_the_image_unless_it_leaves_them_alone() -> (
    None
):
    two = {**ARC, "kv_cache": "1Gi"}
    assert warned(two) == [EXPERIMENT]
    own = "docker.io/intel/llm-scaler-vllm:0.14.0-b8.1"
    assert warned({**two, "image": own}) == [f"models[0].gpus: {SEVERAL}"]
    assert warned({**two, "image": "docker.io/vllm/vllm-openai-cpu:v0.32.0"}) == []


def test_every_card_of_that_generation_is_among_them() -> None:
    # Intel gave it the PCI ids from 5690 to 56c2
    known = {card.model for (_, device), card in cards().items() if device.startswith("56")}

    assert set(mistakes.ALCHEMIST) == known


def test_what_is_not_understood_refuses_nothing_and_is_said(tmp_path: Path) -> None:
    strange = {**CONFIG, "layer_types": ["novel_attention"] * 28}
    (tmp_path / "config.json").write_text(json.dumps({**strange, "max_position_embeddings": 10**7}))
    model = {**ARC, "config": str(tmp_path / "config.json"), "context": 8_000_000}
    not_known = (
        "models[0].config: whether a sequence of 8000000 tokens fits into the KV cache is not known, since"
        " nothing here knows what novel_attention in config.json means; set kv_cache"
    )
    crowded = (
        "models[0].concurrency: at least 6 of 16 sequences of 32768 tokens fit into the KV cache at once;"
        " shorter ones do, the others wait"
    )

    assert (said(model), warned(model)) == ([], [not_known, EXPERIMENT])
    assert warned({**model, "kv_cache": "1Gi"}) == [EXPERIMENT]
    assert warned({**model, "context": 32768}) == [crowded, EXPERIMENT]


def test_a_crowded_cache_is_a_warning_that_says_how_many_fit(config: str) -> None:
    crowded = {**ARC, "config": config, "context": 32768, "concurrency": 64}

    assert said(crowded) == []
    assert warned(crowded) == [CROWDED, EXPERIMENT]


def test_little_memory_beside_a_gpu_is_a_warning() -> None:
    loading = "what loading takes: the largest file and shared_memory, and a fifth more"

    tight = f"models[0].memory: 10Gi is less than 15.2 GiB, {loading}"
    assert warned({**ARC, "kv_cache": "1Gi", "memory": "10Gi"}) == [tight, EXPERIMENT]


def test_a_context_that_nothing_judges_is_a_warning(config: str) -> None:
    endless = {**TINY, "kv_cache": None, "context": 10_000_000}

    assert said(endless) == []
    assert warned(endless) == [UNJUDGED]
    assert warned({**endless, "kv_cache": "1Gi"}) == []
    assert warned({**TINY, "kv_cache": None, "config": config}) == []
