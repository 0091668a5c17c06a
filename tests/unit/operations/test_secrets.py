"""Secrets: made once, never shown, copied and compared by digest."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import HostError, InventoryError
from deploy.model import SecretRef
from deploy.observe import secrets as observed
from deploy.operations import secrets
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Copy, Generated, Given, Keep, Where
from tests.unit.operations.conftest import FORBIDDEN, MISSING, NO_CLUSTER, Plan, Planned
from tests.unit.operations.secret_answers import HOME, KEYS, USED, VALUES, there


def kept(plan: Plan, *found: str, values: Any = VALUES) -> Planned:
    answers = {"/secrets/object-store": "\n".join(found) or MISSING}
    return plan(secrets.kept, [Keep(HOME, values)], "object-store", answers=answers)


def copied(plan: Plan, *found: str) -> Planned:
    answers = {"/secrets/object-store": "\n".join(found) or MISSING}
    return plan(secrets.copied, [Copy(HOME, USED, KEYS, "object-store")], answers=answers)


def test_a_secret_that_is_missing_is_made_on_standard_input(plan: Plan) -> None:
    planned = kept(plan)

    made = json.loads(planned.stdin[0])
    values = {key: base64.b64decode(text).decode() for key, text in made["data"].items()}
    assert planned.reasons == ["Secret slipway-system/object-store is missing; object-store makes it"]
    assert (made["metadata"], made["type"]) == (
        {
            "name": "object-store",
            "namespace": "slipway-system",
            "labels": {"app.kubernetes.io/managed-by": "slipway"},
        },
        "Opaque",
    )
    assert values["access-key"] == "slipway"
    assert len(values["secret-key"]) == 40
    assert values["secret-key"].isalnum()
    assert values["secret-key"] not in planned.commands[0] + str(planned.notes)


def test_no_two_generated_values_are_alike(plan: Plan) -> None:
    assert kept(plan).stdin != kept(plan).stdin


def test_a_generated_value_that_is_there_stays_whatever_it_is(plan: Plan) -> None:
    assert kept(plan, there(HOME, access_key="slipway", secret_key="whatever")).commands == []


def test_only_what_is_missing_or_differs_is_written(plan: Plan) -> None:
    planned = kept(plan, there(HOME, access_key="other"))

    assert planned.reasons == [
        "Secret slipway-system/object-store: access-key differs",
        "Secret slipway-system/object-store: secret-key is missing",
    ]
    assert json.loads(planned.stdin[0])["data"].keys() == {"access-key", "secret-key"}

    planned = kept(plan, there(HOME, access_key="slipway", secret_key=""))
    assert json.loads(planned.stdin[0])["data"].keys() == {"secret-key"}


def test_a_value_that_the_operator_keeps_is_compared_by_its_digest(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    given = {"secret-key": Given(SecretRef(file="key"), tmp_path)}

    assert kept(plan, there(HOME, secret_key="s3cret"), values=given).commands == []
    planned = kept(plan, there(HOME, secret_key="older"), values=given)

    assert json.loads(planned.stdin[0]) == {"data": {"secret-key": base64.b64encode(b"s3cret").decode()}}
    assert "s3cret" not in planned.commands[0] + str(planned.notes)


def test_a_reference_that_leads_nowhere_says_so(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as error:
        kept(plan, values={"key": Given(SecretRef(file="key"), tmp_path)})

    assert str(error.value) == (
        f"a secret is missing: {tmp_path}/key cannot be read: No such file or directory"
    )


def test_a_generated_reference_is_made_and_another_is_read() -> None:
    assert secrets.referred(SecretRef(generate=True), Path("/x"), 20) == Generated(20)
    assert secrets.referred(SecretRef(env="TOKEN"), Path("/x")) == Given(SecretRef(env="TOKEN"), Path("/x"))


def test_secrets_that_could_not_be_read_are_not_taken_for_missing(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        kept(plan, FORBIDDEN)

    assert str(error.value) == f"{SILENT}\nhttps://api/x: forbidden"


def test_before_there_is_a_cluster_a_secret_is_still_to_be_made(plan: Plan) -> None:
    answers = {"/secrets/object-store": NO_CLUSTER}
    planned = plan(secrets.kept, [Keep(HOME, VALUES)], "object-store", answers=answers)

    assert (planned.notes.until, len(planned.commands)) == ("control-plane", 1)


def test_a_copy_that_is_as_its_source_is_left_alone(plan: Plan) -> None:
    source = there(HOME, access_key="slipway", secret_key="s")

    assert copied(plan, source, there(USED, root_user="slipway", root_password="s")).commands == []


def test_a_copy_is_made_by_one_pipe_on_the_host(plan: Plan) -> None:
    planned = copied(plan, there(HOME, access_key="slipway", secret_key="s"))

    [command] = planned.commands
    assert planned.reasons == ["Secret object-store/minio is missing"]
    assert planned.stdin == [""]
    assert '"root-password": "{{index .data "secret-key"}}"' in command
    assert "kubectl apply --server-side --field-manager=slipway --force-conflicts -f -" in command


def test_a_copy_that_differs_names_its_keys_and_not_its_values(plan: Plan) -> None:
    source = there(HOME, access_key="slipway", secret_key="s")
    planned = copied(plan, source, there(USED, root_user="slipway", root_password="old"))

    assert planned.reasons == [
        "Secret object-store/minio: root-password is not as in Secret slipway-system/object-store"
    ]
    assert len(planned.commands) == 1


def test_a_copy_waits_for_its_source(plan: Plan) -> None:
    planned = copied(plan, there(HOME, access_key="slipway"))

    assert planned.notes.until == "object-store"
    assert planned.reasons == ["Secret slipway-system/object-store has no secret-key yet"]


def test_a_copy_of_another_type_is_somebody_elses(plan: Plan) -> None:
    source = there(HOME, access_key="slipway", secret_key="s")
    with pytest.raises(HostError) as error:
        copied(plan, source, there(USED, "kubernetes.io/tls", root_user="slipway"))

    assert str(error.value) == (
        "Secret object-store/minio is of type kubernetes.io/tls, wanted Opaque, which cannot be changed;"
        " look whose it is, delete it, then apply again"
    )


def test_neighbouring_secrets_are_read_by_one_look(plan: Plan) -> None:
    other = Where("slipway-system", "other")
    answers = {"secrets/object-store": there(HOME, access_key="slipway", secret_key="s")}
    planned = plan(secrets.kept, [Keep(HOME, VALUES), Keep(other, VALUES)], "object-store", answers=answers)

    assert planned.reasons == ["Secret slipway-system/other is missing; object-store makes it"]
    assert len(planned.commands) == 1
    assert observed.command([HOME, other]).count("curl -") == 1
