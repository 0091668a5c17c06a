"""Models of the hub before they are installed: what the nodes that may run them are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from checks.finding import Finding, Severity, Status
from checks.preflight import preflight, urls
from tests.unit.checks.machines import cluster, everyone
from tests.unit.checks.well import FILE, MODEL, OF_THE_HUB, given

TOKEN = {**OF_THE_HUB["source"], "token": {"env": "HF_TOKEN"}}  # type: ignore[dict-item]


def judged(g1: int, *, others: int = 0, check: str = "SRV-12", **changes: Any) -> list[Finding]:
    """Return what is said where the model may run on g1 alone."""
    hosts = [given(each, g1 if each.host == "g1" else others) for each in everyone()]
    found = preflight(cluster(models=[{**OF_THE_HUB, **changes}]), hosts)
    return [each for each in found if each.check == check]


@pytest.mark.parametrize("status", [200, 302, 307])
def test_a_file_that_is_given_passes_and_other_nodes_need_no_hub(status: int) -> None:
    [finding] = judged(status)

    assert (finding.status, finding.found) == (Status.PASS, "qwen is there")
    assert {each.status for each in judged(status, check="HOST-14")} == {Status.PASS}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "qwen: g1 gets no answer from the hub"),
        (503, "qwen: g1 gets no answer from the hub"),
        (401, "qwen: 401 without a token; it is gated, private or not there"),
        (403, "qwen: 403 without a token; it is gated, private or not there"),
        (407, "qwen: the hub refuses with 407"),
        (429, "qwen: the hub refuses with 429, too many requests: wait a while, or name a token"),
        (404, "qwen: 404; the hub has no commit aaaaaaaaaaaa, or no config.json in it"),
    ],
)
def test_a_file_that_is_not_given_is_a_warning_with_the_reason(status: int, said: str) -> None:
    [finding] = judged(status, others=200)

    assert (finding.status, finding.severity, finding.found) == (Status.FAIL, Severity.WARNING, said)
    assert finding.wanted == "every model's config.json"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": TOKEN}, "qwen is asked for with its token, by the Job that fetches it"),
        (
            {"environment": {"https_proxy": "http://10.0.0.9:3128"}},
            "qwen is fetched through a proxy of its own",
        ),
        (
            {"gpus": {"vendor": "amd"}},
            "qwen: no node has GPUs of amd; declare them in nodes[].gpus",
        ),
    ],
)
def test_what_cannot_be_asked_as_the_job_will_is_not_judged(changes: dict[str, Any], said: str) -> None:
    [finding] = judged(401, **changes)

    assert (finding.status, finding.found) == (Status.SKIPPED, said)


def test_a_collection_without_addresses_tells_nothing() -> None:
    hosts = [replace(each, reach=None) for each in everyone()]

    [finding] = [each for each in preflight(cluster(models=[OF_THE_HUB]), hosts) if each.check == "SRV-12"]

    assert (finding.status, finding.found) == (
        Status.SKIPPED,
        "not asked: the collection was made without addresses",
    )


def test_hosts_ask_for_files_of_the_hub_at_its_declared_endpoint_and_of_nothing_else() -> None:
    def asked(model: dict[str, Any]) -> list[str]:
        return [each for each in urls(cluster(models=[model])) if "config.json" in each]

    assert asked(OF_THE_HUB) == [FILE]
    mirror = {**OF_THE_HUB, "environment": {"HF_ENDPOINT": "https://hub.home.arpa/"}}
    assert asked(mirror) == [FILE.replace("https://huggingface.co", "https://hub.home.arpa")]
    assert asked({**OF_THE_HUB, "environment": {"HTTPS_PROXY": "http://10.0.0.9:3128"}}) == []
    assert asked(MODEL) == []
