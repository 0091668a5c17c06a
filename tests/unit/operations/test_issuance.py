"""Certificates of cert-manager's whose CA is no longer the present one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from deploy.errors import HostError
from deploy.operations import issuance
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import FORBIDDEN, MISSING, Plan, Planned
from tests.unit.operations.secret_answers import TLS, there

ROOT = Where("cert-manager", "slipway-ca")
KUBECTL = """#!/bin/sh
echo "$*" >> "$0.log"
case "$1 $3" in
  "annotate "*) echo signed > "$0.signed" ;;
  "get registry-tls") [ -e "$0.signed" ] && printf new || printf old ;;
  "get slipway-ca") printf new ;;
esac
"""


def present(plan: Plan, *said: str) -> Planned:
    answers = {"sha256sum": "\n".join(said) or MISSING}
    return plan(issuance.present, TLS, ROOT, answers=answers)


def test_a_certificate_of_the_present_ca_stays(plan: Plan) -> None:
    held = (there(TLS, "kubernetes.io/tls", **{"ca.crt": "a"}), there(ROOT, **{"ca.crt": "a"}))

    assert present(plan, *held).commands == []


def test_what_is_not_there_yet_will_be_of_the_present_ca(plan: Plan) -> None:
    assert present(plan).commands == []
    assert present(plan, there(TLS, **{"ca.crt": "a"})).commands == []
    assert present(plan, there(ROOT, **{"ca.crt": "a"})).commands == []


def test_a_certificate_of_another_ca_is_signed_anew(plan: Plan) -> None:
    planned = present(plan, there(TLS, **{"ca.crt": "old"}), there(ROOT, **{"ca.crt": "new"}))

    assert planned.reasons == [
        "Secret registry/registry-tls is signed by another CA than that in Secret cert-manager/slipway-ca"
    ]
    [command] = planned.commands
    assert (
        "kubectl annotate secret registry-tls --namespace=registry --overwrite"
        " cert-manager.io/issuer-name=none >/dev/null"
    ) in command


def test_it_waits_until_the_certificate_is_of_the_present_ca(plan: Plan, tmp_path: Path) -> None:
    [command] = present(plan, there(TLS, **{"ca.crt": "old"}), there(ROOT, **{"ca.crt": "new"})).commands
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL)
    kubectl.chmod(0o755)

    ran = subprocess.run(
        ["sh", "-c", command],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert [line.split()[:3] for line in (tmp_path / "kubectl.log").read_text().splitlines()] == [
        ["annotate", "secret", "registry-tls"],
        ["get", "secret", "slipway-ca"],
        ["get", "secret", "registry-tls"],
    ]


def test_secrets_that_cannot_be_read_are_no_present_ones(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        present(plan, FORBIDDEN)

    assert str(error.value).startswith(SILENT)
