"""The registry's answers, each good once and then broken in one way."""

from __future__ import annotations

from typing import Any

import pytest
from registry_world import GOOD, by_check, said

from checks.acceptance import registry_verdicts as verdicts
from checks.acceptance.registry import unpulled
from checks.acceptance.registry_script import Transfer, parse
from checks.finding import Status


def test_a_good_registry_passes_with_its_throughput() -> None:
    assert by_check(verdicts.findings(parse(GOOD), "cp1", harbor=False)) == {
        "REG-01": (Status.PASS, "100 MB in one request, 0.5 s"),
        "REG-02": (Status.PASS, "100 MB pushed at 200 MB/s and pulled at 400 MB/s, on cp1"),
        "REG-06": (Status.PASS, "401, 401"),
    }


@pytest.mark.parametrize(
    ("check", "status", "found", "change"),
    [
        ("REG-01", Status.FAIL, "HTTP 413 after 0.1 s", {"push": "push 413 0.1 0"}),
        ("REG-01", Status.FAIL, "HTTP 504 after 60.0 s", {"push": "push 504 60 0"}),
        (
            "REG-01",
            Status.UNAVAILABLE,
            "the push ended with HTTP 401 (REG-02)",
            {"push": "push 401 0.1 0"},
        ),
        ("REG-01", Status.UNAVAILABLE, "the push ended with no answer (REG-02)", {"push": None}),
        ("REG-02", Status.FAIL, "push: HTTP 500", {"push": "push 500 0.1 0"}),
        ("REG-02", Status.FAIL, "push: no answer", {"push": None}),
        ("REG-02", Status.FAIL, "tag: HTTP 400", {"tag_probe": "tag-probe 400 0 0"}),
        ("REG-02", Status.FAIL, "pull: HTTP 404", {"pull": "pull 404 0 0"}),
        (
            "REG-02",
            Status.FAIL,
            "the tag leads to another artefact than was pushed",
            {"resolved": None},
        ),
        ("REG-02", Status.FAIL, "what was read back is not what was pushed", {"same": None}),
        ("REG-06", Status.FAIL, "reads: HTTP 200", {"anyone_reads": "anyone-reads 200 0 0"}),
        ("REG-06", Status.FAIL, "writes: HTTP 202", {"anyone_writes": "anyone-writes 202 0 0"}),
        (
            "REG-06",
            Status.UNAVAILABLE,
            "nobody answered who writes without a password",
            {"anyone_writes": "anyone-writes 0 0 0"},
        ),
        (
            "REG-06",
            Status.UNAVAILABLE,
            "nobody answered who reads without a password",
            {"anyone_reads": None},
        ),
    ],
)
def test_one_fault_is_found(check: str, status: Status, found: str, change: dict[str, str | None]) -> None:
    assert by_check(verdicts.findings(said(**change), "cp1", harbor=False))[check] == (status, found)


def test_a_script_that_was_cut_off_proves_nothing() -> None:
    cut = parse(GOOD.replace("end\n", "") + "curl: (28) Operation timed out\n")

    assert by_check(verdicts.findings(cut, "cp1", harbor=False)) == dict.fromkeys(
        ("REG-01", "REG-02", "REG-06"), (Status.UNAVAILABLE, "cp1: (28) Operation timed out")
    )


@pytest.mark.parametrize(
    ("components", "found"),
    [
        ('{"components": [{"name": "core", "status": "healthy"}]}', None),
        (
            '{"components": [{"name": "core", "status": "healthy"}, {"name": "redis", "status": "ill"}]}',
            "redis is ill",
        ),
        ('{"components": []}', "Harbor names no part of it"),
        ("", "Harbor does not say how its parts are"),
        ("<html>", "Harbor does not say how its parts are"),
    ],
)
def test_harbor_answers_for_all_of_its_parts(components: str, found: str | None) -> None:
    healthy = parse(f"{GOOD}components {components}\n")
    status, words = by_check(verdicts.findings(healthy, "cp1", harbor=True))["REG-02"]

    assert (status, words) == ((Status.FAIL, found) if found else (Status.PASS, verdicts_found()))


def verdicts_found() -> str:
    return "100 MB pushed at 200 MB/s and pulled at 400 MB/s, on cp1"


def container(**state: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"state": state}]}}


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (container(waiting={"reason": "CreateContainerError", "message": "no such file"}), None),
        (container(terminated={"reason": "StartError", "message": "exec: no such file"}), None),
        (
            container(waiting={"reason": "ErrImagePull", "message": "x509: unknown authority"}),
            "ErrImagePull: x509: unknown authority",
        ),
        (container(waiting={"reason": "ImagePullBackOff"}), "ImagePullBackOff"),
        (container(waiting={"reason": "ContainerCreating"}), "ContainerCreating"),
        (
            {"status": {"message": "the node was low on disk", "reason": "Evicted"}},
            "the node was low on disk",
        ),
        ({}, "nothing is said yet"),
    ],
)
def test_only_a_pod_that_has_its_image_proves_a_pull(pod: dict[str, Any], why: str | None) -> None:
    assert unpulled(pod) == why


def test_a_transfer_that_never_was_has_no_throughput() -> None:
    assert Transfer().rate == "0 MB/s"
