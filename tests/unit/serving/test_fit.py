"""Whether a model fits is judged before, and shown with its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import InventoryError
from deploy.gpu.need import GIB
from deploy.model import load_cluster
from deploy.model.mistake import written
from deploy.model.serving import Model
from deploy.observe.cards import cards
from deploy.plan import unsupported
from deploy.serving import command, fit, mistakes, shape, timing
from tests.unit.serving.clusters import A770, ARC, CONFIG, HUB, TINY, cluster
from tests.unit.serving.test_shape import GEMMA

TOO_LARGE_FOR_A_GPU = (
    "models[0].gpus: qwen does not fit: weights 70.0 GiB, engine 1.5 GiB, KV cache of one sequence of 8192"
    " tokens 0.2 GiB: together 71.7 GiB of 14.7 GiB, 0.92 of one A770 with 16.0 GiB; lower context, use a"
    " quantised model, or more or larger GPUs"
)
TOO_LARGE_FOR_A_POD = (
    "models[0].memory: tiny does not fit: weights 3.0 GiB, engine 1.5 GiB, files as they are read and"
    " /dev/shm 4.0 GiB, KV cache unknown without models[].config: together 8.5 GiB of 4.0 GiB,"
    " models[].memory 4Gi; ask for more memory, set kv_cache, lower context, or use a quantised model"
)
CROWDED = (
    "models[0].concurrency: 6 of 64 sequences of 32768 tokens fit into the KV cache at once; shorter ones"
    " do, the others wait"
)
UNJUDGED = (
    "models[0].config: whether a sequence of 10000000 tokens fits into the KV cache is not known; name the"
    " model's config.json here, or set kv_cache"
)
LENGTHENED = (
    "lower it, or set in --hf-overrides what makes it longer: rope_parameters, and max_position_embeddings"
    " with YaRN"
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


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


def said(*models: dict[str, Any], **keys: Any) -> list[str]:
    return [f"{written(each.place)}: {each.text}" for each in mistakes.mistakes(cluster(*models, **keys))]


def warned(*models: dict[str, Any]) -> list[str]:
    return [f"{written(each.place)}: {each.text}" for each in mistakes.warnings(cluster(*models))]


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


def test_two_a770_hold_a_model_of_seven_billion(config: str) -> None:
    one = cluster({**ARC, "config": config})

    seen = fit.of(one, one.models[0])

    assert (seen.fits, said({**ARC, "config": config})) == (True, [])
    assert seen.text == (
        "weights 7.5 GiB, engine 1.5 GiB, KV cache of one sequence of 8192 tokens 0.2 GiB: together 9.2 GiB"
        " of 14.7 GiB, 0.92 of one A770 with 16.0 GiB"
    )


def test_a_model_that_is_too_large_is_refused_with_the_numbers(config: str) -> None:
    assert said({**ARC, "weights": "140Gi", "config": config}) == [TOO_LARGE_FOR_A_GPU]
    assert said({**TINY, "weights": "3Gi", "kv_cache": None}) == [TOO_LARGE_FOR_A_POD]


def test_windows_and_batches_are_counted_as_vllm_does(tmp_path: Path) -> None:
    path = tmp_path / "gemma.json"
    path.write_text(json.dumps({"text_config": GEMMA, "torch_dtype": "bfloat16"}))
    gpus = {"vendor": "nvidia", "model": "H100", "count": 1}
    h100 = {"name": "n1", "address": "192.168.1.12", "roles": ["worker"], "gpus": gpus}
    nodes = [{"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]}, h100]
    gemma = {
        **ARC,
        "checksum": None,
        "gpus": gpus,
        "memory": "70Gi",
        "placement": {},
        "weights": "55Gi",
        "context": 131072,
        "config": str(path),
    }

    def text(**changes: Any) -> str:
        one = cluster({**gemma, **changes}, nodes=nodes)
        assert mistakes.mistakes(one) == []
        return fit.of(one, one.models[0]).text

    # 10 of 62 layers cache every token, the others a window and two batches of 8192, or of what is said
    whole = "weights 55.0 GiB, engine 1.5 GiB, KV cache of one sequence of 131072 tokens"
    assert text() == f"{whole} 16.9 GiB: together 73.4 GiB of 73.6 GiB, 0.92 of one H100 with 80.0 GiB"
    assert text(arguments=["--max-num-batched-tokens=2048"]).startswith(f"{whole} 12.0 GiB")


def test_engines_of_a_pod_have_all_weights_but_those_of_experts(tmp_path: Path) -> None:
    def text(**keys: Any) -> str:
        path = tmp_path / "config.json"
        path.write_text(json.dumps({**CONFIG, **keys}))
        model = {**ARC, "tensor_parallel": 1, "data_parallel": 2, "config": str(path)}
        one = cluster(model)
        assert "--data-parallel-size=2" in command.arguments(one.models[0])
        return fit.of(one, one.models[0]).text

    assert text().startswith("weights 15.0 GiB, ")
    assert text(num_experts=128).startswith("weights 7.5 GiB, ")


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


def test_memory_that_leaves_nothing_for_the_cache_is_none() -> None:
    # 1.5 GiB for the engine, 1 for /dev/shm, and twice a GiB
    bare = {**TINY, "weights": "1Gi", "kv_cache": None}

    assert [len(said({**bare, "memory": memory})) for memory in ("4608Mi", "4609Mi")] == [1, 0]


def test_a_crowded_cache_is_a_warning_that_says_how_many_fit(config: str) -> None:
    crowded = {**ARC, "config": config, "context": 32768, "concurrency": 64}

    assert said(crowded) == []
    assert warned(crowded) == [CROWDED, EXPERIMENT]


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
    wanted = cluster({**ARC, "placement": {"tolerations": tolerations}}, nodes=nodes)

    found = [f"{written(each.place)}: {each.text}" for each in mistakes.mistakes(wanted)]

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


def test_little_memory_beside_a_gpu_is_a_warning() -> None:
    loading = "what loading takes: the largest file and shared_memory, and a fifth more"

    tight = f"models[0].memory: 10Gi is less than 15.2 GiB, {loading}"
    assert warned({**ARC, "kv_cache": "1Gi", "memory": "10Gi"}) == [tight, EXPERIMENT]


def test_a_card_that_is_not_known_is_not_judged() -> None:
    nodes = [
        {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
        {
            "name": "g1",
            "address": "192.168.1.12",
            "roles": ["worker"],
            "gpus": {"vendor": "intel", "model": "Z9", "count": 2},
        },
    ]
    one = cluster({**ARC, "gpus": {"vendor": "intel", "count": 2}}, nodes=nodes)

    assert fit.of(one, one.models[0]).fits is None


def test_times_follow_from_size_and_speed() -> None:
    times = timing.of(Model.model_validate({**HUB, "weights": "100G", "loads_per_second": "100M"}))

    assert (times.startup, times.leave, times.drain, times.grace) == (1300, 15, 90, 120)
    assert times.failures * timing.PERIOD >= times.startup


def test_a_mig_profile_says_its_memory_itself() -> None:
    nodes = [
        {"name": "cp1", "address": "192.168.1.11", "roles": ["control-plane"]},
        {
            "name": "g1",
            "address": "192.168.1.12",
            "roles": ["worker"],
            "gpus": {"vendor": "nvidia", "model": "H100", "count": 1, "partitioning": {"mig": "all-1g.10gb"}},
        },
    ]
    one = cluster({**ARC, "gpus": {"vendor": "nvidia", "profile": "1g.10gb"}}, nodes=nodes)

    assert fit.of(one, one.models[0]).has == int(10 * GIB * 0.92)


def test_a_context_that_nothing_judges_is_a_warning(config: str) -> None:
    endless = {**TINY, "kv_cache": None, "context": 10_000_000}

    assert said(endless) == []
    assert warned(endless) == [UNJUDGED]
    assert warned({**endless, "kv_cache": "1Gi"}) == []
    assert warned({**TINY, "kv_cache": None, "config": config}) == []


def test_a_pod_holds_all_parts_of_a_model_that_is_split_over_processors(config: str) -> None:
    split = {**TINY, "config": config, "weights": "4Gi", "memory": "32Gi", "kv_cache": None}
    one = cluster({**split, "tensor_parallel": 4, "context": 32768})
    seen = fit.of(one, one.models[0])

    # 4 GiB whole, four engines, the files as they are read, /dev/shm, and 56 KiB a token
    assert seen.least == int((4 + 4 * 1.5 + 4 + 8 + 1.75) * GIB)
    assert seen.left == (32 - 4 - 6 - 4 - 8) * GIB
    assert fit.kv_cache(one.models[0]) == 10 * GIB // 4


def test_an_engine_without_gpus_is_told_what_its_pod_leaves_for_the_cache() -> None:
    def told(**changes: Any) -> list[str]:
        arguments = command.arguments(Model.model_validate({**TINY, "memory": "8Gi", **changes}))
        return [each for each in arguments if each.startswith("--kv-cache-memory-bytes")]

    assert told() == [f"--kv-cache-memory-bytes={4 * 2**20}"]
    assert told(tensor_parallel=2) == [f"--kv-cache-memory-bytes={2 * 2**20}"]
    # 8 GiB less 1.5 for the engine, 1 for /dev/shm, and twice 64 MiB
    assert told(kv_cache=None) == [f"--kv-cache-memory-bytes={int(5.5 * GIB) - 2 * 64 * 2**20}"]
    assert told(kv_cache=None, gpus={"vendor": "intel"}) == []
