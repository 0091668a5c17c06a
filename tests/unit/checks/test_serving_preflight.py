"""Models before they are installed: what is said of them, whole."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from checks.finding import Finding, Severity, Status
from checks.preflight import preflight, serving
from tests.unit.checks.machines import cluster, everyone
from tests.unit.checks.well import MODEL

TOO_LARGE = (
    "qwen: weights 20.0 GiB, engine 1.5 GiB, KV cache 1.0 GiB: together 22.5 GiB of 14.7 GiB, 0.92 of one"
    " A770 with 16.0 GiB"
)


def judged(check: str, *models: dict[str, Any], unread: str = "") -> Finding:
    hosts = everyone()
    if unread:
        hosts = tuple(  # type: ignore[assignment]
            replace(each, system=None, causes={"system": "no answer in time"})
            if each.host == unread
            else each
            for each in hosts
        )
    [finding] = [each for each in preflight(cluster(models=list(models)), hosts) if each.check == check]
    return finding


def test_a_model_that_is_too_large_for_its_gpus_is_an_error_with_the_numbers() -> None:
    found = judged("SRV-02", {**MODEL, "weights": "40Gi"})

    assert (found.status, found.severity, found.found) == (Status.FAIL, Severity.ERROR, TOO_LARGE)
    assert found.wanted == "weights, engine and the KV cache of one sequence fit"


def test_a_context_that_nothing_judges_is_no_pass() -> None:
    found = judged("SRV-02", {**MODEL, "context": 10_000_000, "kv_cache": None})

    assert (found.status, found.severity) == (Status.FAIL, Severity.WARNING)
    assert found.found == "qwen: whether a sequence of 10000000 tokens fits into the KV cache is not known"
    assert found.wanted == "models[].config, the model's config.json, or models[].kv_cache"
    assert found.remedy == serving.DECLARE


def test_a_pod_that_is_larger_than_every_node_is_an_error() -> None:
    found = judged("SRV-02", {**MODEL, "memory": "48Gi"})

    assert found.status is Status.FAIL
    assert found.found == "qwen asks for 48Gi of memory, and g1, the largest, has 32.0 GiB"


def test_more_cpus_than_any_node_has_is_an_error() -> None:
    found = judged("SRV-02", {**MODEL, "cpu": "999"})

    assert (found.status, found.found) == (Status.FAIL, "qwen asks for 999 CPUs, and g1, the largest, has 8")


def test_models_that_share_a_node_are_judged_together() -> None:
    one = {**MODEL, "weights": "10Gi", "gpus": {"vendor": "intel"}}
    other = {**one, "name": "other"}
    memory = judged("SRV-02", one, other)
    cpus = judged("SRV-02", {**one, "memory": "16Gi"}, {**other, "memory": "16Gi", "cpu": "6500m"})

    assert (memory.status, memory.found) == (
        Status.FAIL,
        "qwen and other ask for 48.0 GiB of memory together, and there is 32.0 GiB on g1",
    )
    assert (cpus.status, cpus.found) == (
        Status.FAIL,
        "qwen and other ask for 8.5 CPUs together, and there is 8 on g1",
    )
    assert judged("SRV-02", one, other, unread="g1").status is Status.UNAVAILABLE
    assert judged("SRV-02", {**one, "memory": "16Gi"}, {**other, "memory": "16Gi"}).status is Status.PASS


def test_a_node_that_was_not_read_may_be_the_one_with_room() -> None:
    found = judged("SRV-02", {**MODEL, "memory": "48Gi"}, unread="g1")

    assert (found.status, found.found) == (Status.UNAVAILABLE, "system: no answer in time")


def test_gpus_that_nobody_has_are_an_error() -> None:
    found = judged("SRV-02", {**MODEL, "gpus": {"vendor": "nvidia"}})

    assert found.status is Status.FAIL
    assert found.found == "qwen: no node has GPUs of nvidia; declare them in nodes[].gpus"


def test_times_that_are_too_short_are_a_warning() -> None:
    found = judged("SRV-05", {**MODEL, "loads_per_second": "2G", "drain_seconds": 10})

    assert (found.status, found.severity) == (Status.FAIL, Severity.WARNING)
    assert found.found == "qwen 309 of 380 s to load, 40 of 120 s to end"


def test_shared_memory_that_is_too_small_for_two_gpus_is_an_error() -> None:
    found = judged("SRV-01", {**MODEL, "shared_memory": "1Gi"})

    assert (found.status, found.found, found.wanted) == (
        Status.FAIL,
        "qwen 1Gi",
        ">= 2.0 GiB for a model on several GPUs",
    )


def test_without_models_there_is_nothing_to_judge() -> None:
    assert {judged(check).status for check in ("SRV-01", "SRV-02", "SRV-05")} == {Status.SKIPPED}
