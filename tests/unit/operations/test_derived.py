"""What is made out of a password: hashed once, kept, and never shown."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import bcrypt
import pytest

from deploy.errors import HostError
from deploy.operations import derived
from deploy.operations.derived import Htpasswd, Login, Target
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import FORBIDDEN, MISSING, Plan, Planned, digested

SOURCE, AUTH = Where("slipway-system", "registry"), Where("registry", "registry-auth")
TARGET = Target(AUTH, "htpasswd")
WITH_PLAIN = Target(AUTH, "REGISTRY_HTPASSWD", plain="REGISTRY_PASSWD")
FORM = Htpasswd("slipway")
PASSWORD = "a-password-of-the-test"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def values(obj: dict[str, Any]) -> dict[str, str]:
    return {key: base64.b64decode(text).decode() for key, text in obj["data"].items()}


def shown(where: Where, found: dict[str, str]) -> str:
    return digested(where.namespace, where.name, "Opaque", found)


def planned(plan: Plan, *found: str, target: Target = TARGET, form: Htpasswd | Login = FORM) -> Planned:
    answers = {"/secrets/registry-auth": "\n".join(found) or MISSING}
    return plan(derived.derived, SOURCE, "password", target, form, "registry", answers=answers)


MADE = values(derived.secret(TARGET, FORM, PASSWORD))
KNOWN = shown(SOURCE, {"username": "slipway", "password": PASSWORD})


def test_the_hash_is_one_that_distribution_takes() -> None:
    user, _, hashed = MADE["htpasswd"].strip().partition(":")

    assert user == "slipway"
    assert hashed.startswith("$2b$10$")
    assert bcrypt.checkpw(PASSWORD.encode(), hashed.encode())
    assert PASSWORD not in "".join(MADE.values())


def test_a_hash_that_is_there_is_kept_though_another_would_be_salted_anew(plan: Plan) -> None:
    assert values(derived.secret(TARGET, FORM, PASSWORD))["htpasswd"] != MADE["htpasswd"]
    assert planned(plan, KNOWN, shown(AUTH, MADE)).commands == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"origin": "htpasswd other x"}, "was made of another password or for another user"),
        ({"htpasswd": "slipway:$2b$10$other"}, "has another htpasswd than it was made with"),
        ({"sum": ""}, "has another htpasswd than it was made with"),
    ],
)
def test_what_somebody_changed_is_made_anew(plan: Plan, change: dict[str, str], why: str) -> None:
    found = planned(plan, KNOWN, shown(AUTH, {**MADE, **change}))

    assert found.reasons == [f"Secret registry/registry-auth {why}"]
    assert len(found.commands) == 1


def test_another_password_is_another_hash(plan: Plan) -> None:
    found = planned(plan, shown(SOURCE, {"password": "another"}), shown(AUTH, MADE))

    assert found.reasons == ["Secret registry/registry-auth was made of another password or for another user"]


def test_a_plan_reads_no_password(plan: Plan) -> None:
    found = planned(plan, KNOWN)

    assert found.reasons == ["Secret registry/registry-auth is missing"]
    assert found.stdin == [""]
    assert found.notes.until is None


def test_before_the_password_is_made_nothing_is_known(plan: Plan) -> None:
    found = planned(plan)

    assert found.notes.until == "registry"
    assert found.reasons == ["Secret slipway-system/registry has no password yet"]
    assert found.commands == ["echo 'Secret slipway-system/registry has no password' >&2; exit 1"]


def test_a_secret_that_cannot_be_read_is_not_taken_for_missing(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        planned(plan, KNOWN, FORBIDDEN)

    assert str(error.value) == f"{SILENT}\nhttps://api/x: forbidden"


def test_the_password_lies_beside_its_hash_where_a_chart_wants_both(plan: Plan) -> None:
    made = values(derived.secret(WITH_PLAIN, FORM, PASSWORD))

    assert made["REGISTRY_PASSWD"] == PASSWORD
    assert planned(plan, KNOWN, shown(AUTH, made), target=WITH_PLAIN).commands == []
    changed = planned(plan, KNOWN, shown(AUTH, {**made, "REGISTRY_PASSWD": "x"}), target=WITH_PLAIN)
    assert changed.reasons == ["Secret registry/registry-auth has another REGISTRY_PASSWD"]


def test_a_login_is_what_a_kubelet_reads() -> None:
    target = Target(
        Where("models", "registry-pull"), ".dockerconfigjson", type="kubernetes.io/dockerconfigjson"
    )
    made = derived.secret(target, Login("robot$slipway", "registry.home.arpa"), PASSWORD)

    assert made["type"] == "kubernetes.io/dockerconfigjson"
    assert json.loads(values(made)[".dockerconfigjson"]) == {
        "auths": {
            "registry.home.arpa": {
                "username": "robot$slipway",
                "password": PASSWORD,
                "auth": base64.b64encode(f"robot$slipway:{PASSWORD}".encode()).decode(),
            }
        }
    }
