"""Pods that are older than what they read at their start, and objects that others bring into a state."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

from deploy.errors import HostError
from deploy.model.row import Disturbs
from deploy.observe import api
from deploy.observe import rollouts as observed
from deploy.operations import conditions, rollouts
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import FORBIDDEN, MISSING, Plan, Planned, read

TLS = Where("registry", "registry-tls")


def described(name: str, **metadata: Any) -> dict[str, Any]:
    """An object by its metadata alone, as the API shows it."""
    metadata = {"name": name, "namespace": "registry", **metadata}
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata}


POD = described("registry-5d", creationTimestamp="2026-11-30T08:00:00Z")


def changed(*times: str) -> dict[str, Any]:
    return described(TLS.name, managedFields=[{"time": f"2026-{each}Z"} for each in times])


def current(plan: Plan, *objects: dict[str, Any] | str) -> Planned:
    words = ("deployment/registry", "registry", "app.kubernetes.io/name=registry", [TLS])
    said = "\n".join(each if isinstance(each, str) else read(each) for each in objects) or MISSING
    return plan(rollouts.current, *words, answers={"as=PartialObjectMetadata": said})


def test_a_pod_that_is_younger_than_its_certificate_stays(plan: Plan) -> None:
    assert current(plan, POD, changed("11-30T08:00:00")).commands == []
    assert current(plan, POD, changed()).commands == []
    assert current(plan).commands == []


def test_a_pod_that_is_older_is_replaced_and_says_why(plan: Plan) -> None:
    planned = current(plan, POD, changed("11-30T08:00:01", "10-01T08:00:00"))

    since = "registry-5d has run since 2026-11-30T08:00:00Z"
    assert planned.reasons == [f"{since}, and Secret registry-tls changed on 2026-11-30T08:00:01Z"]
    assert planned.notes.disturbs is Disturbs.PODS
    assert planned.commands[0].endswith("kubectl rollout restart -n registry deployment/registry >/dev/null")


def test_a_pod_that_is_over_is_no_reason_for_another_rollout(plan: Plan) -> None:
    ending = described("registry-4c", creationTimestamp="2026-10-01T08:00:00Z", deletionTimestamp="now")

    assert current(plan, ending, POD, changed("11-30T07:00:00")).commands == []
    asked = observed.command("registry", "app=x", [TLS])
    assert "&fieldSelector=status.phase%21%3DFailed%2Cstatus.phase%21%3DSucceeded" in asked


def test_pods_that_cannot_be_read_are_no_current_ones(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        current(plan, FORBIDDEN, changed("11-30T08:00:01"))

    assert str(error.value) == f"{SILENT}\nhttps://api/x: forbidden"


def test_no_value_of_a_secret_is_asked_for() -> None:
    command = observed.command("registry", "app=x", [TLS])

    secret, pods = re.findall(r"-H 'Accept: (.*?)' -w '.*?' (\S+)", command, re.DOTALL)
    assert secret == (api.METADATA, f'"$server"{TLS.path}')
    assert (pods[0], "/namespaces/registry/pods?" in pods[1]) == (api.METADATA_LIST, True)


def test_a_note_of_what_was_applied_stays_on_the_host() -> None:
    note = '"kubectl.kubernetes.io/last-applied-configuration":'
    noted = f'      {note} "{{\\"data\\":{{\\"key\\":\\"czNjcmV0\\"}}}}",\n      "other": "x"\n'
    _, bar, sed = api.metadata_command([TLS.path]).rpartition("| sed ")

    ran = subprocess.run(["sh", "-c", f"sed {sed}"], input=noted, capture_output=True, text=True, check=True)

    assert bar
    assert ran.stdout == f'      {note} "",\n      "other": "x"\n'


def certificate(**condition: Any) -> dict[str, Any]:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "registry-tls", "namespace": "registry", "generation": 2},
        "status": {"conditions": [{"type": "Ready", **condition}]},
    }


def holds(plan: Plan, live: dict[str, Any] | None) -> Planned:
    path = "/apis/cert-manager.io/v1/namespaces/registry/certificates/registry-tls"
    answers = {path: read(live) if live else MISSING}
    return plan(conditions.holds, certificate(), "certificates", answers=answers)


def test_a_ready_object_is_not_waited_for(plan: Plan) -> None:
    assert holds(plan, certificate(status="True")).commands == []
    assert holds(plan, certificate(status="True", observedGeneration=2)).commands == []


def test_an_object_of_the_whole_cluster_is_named_without_a_namespace(plan: Plan) -> None:
    issuer = {"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "ca"}}
    planned = plan(conditions.holds, issuer, "x", answers={"/clusterissuers/ca": MISSING})

    assert planned.reasons == ["clusterissuer.cert-manager.io ca is not there yet"]


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
