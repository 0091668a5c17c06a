"""Pods that are older than what they read at their start, and objects that others bring into a state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.model.row import Disturbs
from deploy.observe import rollouts as observed
from deploy.operations import conditions, rollouts
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import Plan, Planned

LIVE = "=== slipway live"
TLS = Where("registry", "registry-tls")
POD = "pod registry-5d 2026-11-30T08:00:00Z Running"


def current(plan: Plan, *lines: str) -> Planned:
    words = ("deployment/registry", "registry", "app.kubernetes.io/name=registry", [TLS])
    return plan(rollouts.current, *words, answers={"go-template": [LIVE, *lines]})


def test_a_pod_that_is_younger_than_its_certificate_stays(plan: Plan) -> None:
    assert current(plan, POD, "secret registry-tls 2026-11-30T08:00:00Z").commands == []
    assert current(plan).commands == []


def test_a_pod_that_is_older_is_replaced_and_says_why(plan: Plan) -> None:
    changed = ("secret registry-tls 2026-10-01T08:00:00Z", "secret registry-tls 2026-11-30T08:00:01Z")
    planned = current(plan, POD, *changed)

    since = "registry-5d has run since 2026-11-30T08:00:00Z"
    assert planned.reasons == [f"{since}, and Secret registry-tls changed on 2026-11-30T08:00:01Z"]
    assert planned.notes.disturbs is Disturbs.PODS
    assert planned.commands[0].endswith("kubectl rollout restart -n registry deployment/registry >/dev/null")


@pytest.mark.parametrize("phase", observed.OVER)
def test_a_pod_that_is_over_is_no_reason_for_another_rollout(plan: Plan, phase: str) -> None:
    old = f"pod registry-4c 2026-10-01T08:00:00Z {phase}"

    assert current(plan, old, POD, "secret registry-tls 2026-11-30T07:00:00Z").commands == []


def test_pods_that_cannot_be_read_are_no_current_ones(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        current(plan, "Error from server (Forbidden): pods is forbidden")

    assert str(error.value) == (
        "the pods of deployment/registry could not be read: Error from server (Forbidden): pods is forbidden"
    )


def test_no_value_of_a_secret_is_asked_for() -> None:
    command = observed.command("registry", "app=x", [TLS])

    # a line break in a string is an error to go-template
    assert '{{"\\n"}}' in observed.PODS
    assert "\n" not in observed.PODS
    assert ".data" not in command
    assert "json" not in command.replace("go-template", "")


def certificate(**condition: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "registry-tls", "namespace": "registry", "generation": 2},
        "status": {"conditions": [{"type": "Ready", **condition}]},
    }


def holds(plan: Plan, live: dict[str, Any] | None) -> Planned:
    answers = {"kubectl": [LIVE, *([json.dumps(live)] if live else [])]}
    words = ("certificate.cert-manager.io", "registry", "registry-tls", "certificates")
    return plan(conditions.holds, *words, answers=answers)


def test_a_ready_object_is_not_waited_for(plan: Plan) -> None:
    assert holds(plan, certificate(status="True")).commands == []
    assert holds(plan, certificate(status="True", observedGeneration=2)).commands == []


@pytest.mark.parametrize(
    ("live", "reason"),
    [
        (None, "certificate.cert-manager.io registry/registry-tls is not there yet"),
        (
            certificate(status="True", observedGeneration=1),
            "certificate.cert-manager.io registry/registry-tls was changed, and nothing has looked at it yet",
        ),
        (
            certificate(status="False", message="issuer not found"),
            "certificate.cert-manager.io registry/registry-tls: issuer not found",
        ),
        (
            {**certificate(), "status": {}},
            "certificate.cert-manager.io registry/registry-tls does not say Ready yet",
        ),
    ],
)
def test_an_object_that_is_not_ready_is_waited_for(plan: Plan, live: Any, reason: str) -> None:
    planned = holds(plan, live)

    assert planned.reasons == [reason]
    assert planned.notes.until == (None if live else "certificates")
    assert planned.commands[0].endswith(
        "kubectl wait --for=condition=Ready certificate.cert-manager.io/registry-tls"
        " --namespace=registry --timeout=180s >/dev/null"
    )
