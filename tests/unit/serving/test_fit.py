"""Whether a model fits is judged before, and shown with its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deploy.gpu.need import GIB
from deploy.model.serving import Model
from deploy.serving import command, fit, mistakes, timing
from tests.unit.serving.clusters import ARC, CONFIG, HUB, TINY, cluster, said
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


def test_memory_that_leaves_nothing_for_the_cache_is_none() -> None:
    # 1.5 GiB for the engine, 1 for /dev/shm, and twice a GiB
    bare = {**TINY, "weights": "1Gi", "kv_cache": None}

    assert [len(said({**bare, "memory": memory})) for memory in ("4608Mi", "4609Mi")] == [1, 0]


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
