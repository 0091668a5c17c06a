"""A model's shape, as its config.json tells it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.errors import InventoryError
from deploy.model import load_cluster
from deploy.model.serving import Model
from deploy.plan import unsupported
from deploy.serving import shape
from deploy.serving.shape import Layers
from tests.unit.serving.clusters import CONFIG, TINY, said


def test_the_cache_of_a_token_is_two_vectors_per_layer_and_head() -> None:
    seen = shape.of(CONFIG)

    # 2 x 28 layers x 4 heads x 128 values x 2 bytes, as published for Qwen2.5-7B: 56 KiB a token
    assert seen.kv_bytes(1, 1, None) == 57344
    assert seen.kv_bytes(1, 2, None) == 57344 // 2
    assert seen.kv_bytes(1, 8, None) == 57344 // 4  # a head is never cut
    assert seen.kv_bytes(1, 1, "fp8") == 57344 // 2


def test_latent_attention_caches_one_vector_for_all_heads() -> None:
    deepseek = {"num_hidden_layers": 61, "num_attention_heads": 128, "hidden_size": 7168}
    seen = shape.of({**deepseek, "kv_lora_rank": 512, "qk_rope_head_dim": 64})

    assert seen.kv_bytes(1, 8, None) == 61 * (512 + 64) * 2


@pytest.mark.parametrize(
    ("heads", "cached", "possible"),
    [(28, 4, [1, 2, 4, 28]), (64, 8, [1, 2, 4, 8, 16, 32]), (9, 3, [1, 3, 9])],
)
def test_heads_are_split_evenly_or_not_at_all(heads: int, cached: int, possible: list[int]) -> None:
    seen = shape.of({**CONFIG, "num_attention_heads": heads, "num_key_value_heads": cached})

    assert [count for count in range(1, 33) if seen.splits(count)] == possible


def test_gpus_that_do_not_divide_the_heads_are_refused_with_what_would(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    h100 = {"vendor": "nvidia", "model": "H100", "count": 8}
    nodes = [
        {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
        {"name": "n1", "address": "192.168.1.12", "roles": ["worker"], "gpus": h100},
    ]
    model = {
        **TINY,
        "accelerator": None,
        "gpus": h100,
        "config": str(tmp_path / "config.json"),
        "kv_cache": None,
    }
    model = {**model, "memory": "40Gi", "weights": "15Gi"}

    def refused(**changes: object) -> list[str]:
        return said({**model, **changes}, nodes=nodes)

    [found] = refused()
    assert found == (
        "models[0].gpus: 28 attention heads, of which 4 are cached, cannot be split evenly over 8; set"
        " tensor_parallel: 4 and pipeline_parallel: 2, or ask for another number of GPUs"
    )
    assert refused(tensor_parallel=4, pipeline_parallel=2) == []
    assert len(refused(tensor_parallel=8)) == 1


# google/gemma-3-27b-it: neither layer_types nor a pattern in its config.json
GEMMA = {
    "model_type": "gemma3_text",
    "num_hidden_layers": 62,
    "num_attention_heads": 32,
    "num_key_value_heads": 16,
    "head_dim": 128,
    "hidden_size": 5376,
    "sliding_window": 1024,
    "max_position_embeddings": 131072,
}


@pytest.mark.parametrize(
    ("changes", "layers"),
    [
        ({}, Layers(28)),
        (GEMMA, Layers(10, 52, 1024)),
        ({**GEMMA, "sliding_window_pattern": 2}, Layers(31, 31, 1024)),
        ({**GEMMA, "model_type": "other"}, Layers(62, misunderstood=("sliding_window",))),
        ({"sliding_window": 4096, "use_sliding_window": False}, Layers(28)),
        # a window as long as everything the model can read
        ({"sliding_window": 32768}, Layers(28)),
        ({"num_hidden_layers": 48, "full_attention_interval": 4}, Layers(12)),
        # openai/gpt-oss-20b
        (
            {"layer_types": ["sliding_attention", "full_attention"] * 14, "sliding_window": 128},
            Layers(14, 14, 128),
        ),
        ({"layer_types": ["linear_attention"] * 21 + ["full_attention"] * 7}, Layers(7)),
        (
            {"layer_types": ["mamba"] * 20 + ["novel_attention"] * 8},
            Layers(8, misunderstood=("novel_attention",)),
        ),
        ({"hybrid_override_pattern": "M-M*"}, Layers(28, misunderstood=("hybrid_override_pattern",))),
    ],
)
def test_layers_are_counted_by_what_they_cache(changes: dict[str, object], layers: Layers) -> None:
    assert shape.of({**CONFIG, **changes}).layers == layers


@pytest.mark.parametrize(
    ("architecture", "arguments", "key"),
    [
        ("Qwen2ForCausalLM", [], None),
        ("Qwen2ForCausalLM", ["--runner", "generate"], None),
        ("Qwen2ForCausalLM", ["--runner=pooling"], "arguments"),
        ("Qwen2ForCausalLM", ["--convert", "classify"], "arguments"),
        ("XLMRobertaForSequenceClassification", [], "config"),
        ("BertModel", [], "config"),
        ("Qwen2ForRewardModel", ["--runner=generate"], None),
    ],
)
def test_a_model_that_answers_with_no_text_is_refused(
    architecture: str, arguments: list[str], key: str | None, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, "architectures": [architecture]}))
    model = {**TINY, "kv_cache": "1Gi", "arguments": arguments, "config": str(tmp_path / "config.json")}

    text = (
        "it makes vectors or scores, and verify would ask it for text; wanted a model that answers with text"
    )
    assert said(model) == ([f"models[0].{key}: {text}"] if key else [])


def test_a_window_is_kept_with_what_is_being_computed() -> None:
    seen, token = shape.of({**CONFIG, **GEMMA}), 16 * 256 * 2

    assert seen.kv_bytes(131072, 1, None, 4096) == token * (10 * 131072 + 52 * (1023 + 4096))
    assert seen.kv_bytes(512, 1, None, 4096) == token * 62 * 512


def test_a_window_that_vllm_is_told_to_leave_saves_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**CONFIG, **GEMMA}))
    model = {**TINY, "config": str(tmp_path / "config.json")}
    told = {**model, "arguments": ["--disable-hybrid-kv-cache-manager"]}

    assert [seen.layers for each in (model, told) if (seen := shape.read(Model.model_validate(each)))] == [
        Layers(10, 52, 1024),
        Layers(62, 0, 1024),
    ]


def test_a_model_for_images_keeps_its_shape_inside() -> None:
    assert shape.of({"model_type": "llava", "text_config": CONFIG}) == shape.of(CONFIG)


def test_a_config_that_is_none_is_said(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"model_type": "llama"}')

    wanted = "wanted num_hidden_layers, num_attention_heads and hidden_size in it"
    assert said({**TINY, "config": str(path)}) == [
        f"models[0].config: {path} is not a model's config.json: {wanted}"
    ]
    with pytest.raises(InventoryError, match="cannot be read: No such file"):
        shape.read(Model.model_validate({**TINY, "config": str(tmp_path / "none.json")}))


def test_a_config_is_named_from_the_inventorys_directory(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    path = tmp_path / "homelab.yaml"
    path.write_text(
        "name: homelab\n"
        "nodes: [{name: cp1, address: 192.168.1.11, roles: [control-plane]}]\n"
        "load_balancer: {pool: [192.168.1.240-192.168.1.250]}\n"
        "models:\n"
        "  - {name: tiny, source: {pvc: x}, weights: 1Gi, memory: 8Gi, context: 256, config: config.json}\n"
    )

    model = load_cluster(path, rules=[unsupported]).models[0]

    assert model.config == str(tmp_path / "config.json")
    assert shape.read(model) == shape.of(CONFIG)
