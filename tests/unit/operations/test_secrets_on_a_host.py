"""What a host lets through of a Secret."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from deploy.observe import secrets as observed
from deploy.observe.kube import Reach
from deploy.operations.secrets import Where
from tests.unit.operations.secret_answers import digest


def filtered(text: str, *shown: str) -> str:
    """What a host lets through of an answer."""
    return subprocess.run(
        ["sh", "-c", observed.without_values(shown)], input=text, capture_output=True, text=True, check=True
    ).stdout


def answer(document: Any, status: int, *, indent: int | None = 2) -> str:
    return f"{json.dumps(document, indent=indent)}\n=== slipway {status} https://api/x\n"


# as an API server of Kubernetes writes them, field by field
FULL = {
    "kind": "Secret",
    "apiVersion": "v1",
    "metadata": {
        "name": "x",
        "namespace": "ns",
        "uid": "5a0e2a3c-d5d5-4d1c-8b1e-1d4c7f6d7f3e",
        "labels": {"data": "x"},
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": '{"data": {"key": "czNjcmV0"}}'},
        "managedFields": [{"manager": "slipway", "fieldsV1": {"f:data": {".": {}, "f:key": {}}}}],
    },
    "immutable": True,
    "data": {
        "ca.crt": "czNjcmV0",
        "empty": "",
        "tls.key": "czNjcmV0",
    },
    "type": "kubernetes.io/tls",
}
ABSENT = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": 'secrets "y" not found',
    "reason": "NotFound",
    "details": {"name": "y", "kind": "secrets"},
    "code": 404,
}


def test_a_host_lets_no_value_through_but_those_that_are_asked_for() -> None:
    said = filtered(answer(FULL, 200) + answer(ABSENT, 404), "ca.crt")

    assert observed.parse(said.splitlines()) == observed.Secrets(
        Reach.ANSWERS,
        {
            Where("ns", "x"): observed.Found(
                "kubernetes.io/tls",
                {"ca.crt": "czNjcmV0", "empty": digest(""), "tls.key": digest("s3cret")},
            )
        },
    )
    assert said.count("czNjcmV0") == 1
    assert "czNjcmV0" not in filtered(answer(FULL, 200))


def test_an_answer_that_looks_otherwise_is_unread_and_stays_on_the_host() -> None:
    for other in (answer(FULL, 200, indent=None), answer(FULL, 200, indent=4), answer([FULL], 200)):
        said = filtered(other)

        assert observed.parse(said.splitlines()).reach is Reach.SILENT
        assert "czNjcmV0" not in said


def test_a_value_that_is_none_breaks_the_answer() -> None:
    said = filtered(answer({**FULL, "data": {"another": 5, "tls.key": "czNjcmV0"}}, 200))

    assert observed.parse(said.splitlines()).reach is Reach.SILENT


def test_a_refusal_and_a_broken_connection_are_told() -> None:
    refused = {**ABSENT, "message": "secrets is forbidden", "reason": "Forbidden", "code": 403}
    broken = "curl: (28) Connection timed out\n\n=== slipway 000 https://api/x\n"

    assert observed.parse(filtered(answer(refused, 403)).splitlines()).errors == (
        "https://api/x: secrets is forbidden",
    )
    assert observed.parse(filtered(broken).splitlines()).errors == ("curl: (28) Connection timed out",)
