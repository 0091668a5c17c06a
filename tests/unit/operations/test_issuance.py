"""Certificates of cert-manager's whose CA is no longer the present one."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from deploy.errors import HostError
from deploy.model.row import Disturbs
from deploy.observe.inside import Look
from deploy.operations import issuance
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Where
from tests.unit.operations.conftest import FORBIDDEN, MISSING, Plan, Planned, read
from tests.unit.operations.secret_answers import TLS, there
from tests.unit.operations.test_certificates import Made, certificate, encoded

Signing = Callable[..., tuple[int, str, list[str]]]
ROOT = Where("cert-manager", "slipway-ca")
# a cert-manager that signs only while somebody waits for it, and a clock that only goes on with him
WORLD = {
    "kubectl": """#!/bin/sh
cd "${0%/*}"; echo "$1 $3" >> asked
case "$1 $3" in
  "annotate "*) exit "$REFUSED" ;;
  "get registry-tls") [ -e waited ] && printf %s "$SIGNED" || printf old ;;
  "get slipway-ca") printf new ;;
esac
""",
    "sleep": """#!/bin/sh
cd "${0%/*}"; echo . >> waited
""",
    "date": """#!/bin/sh
cd "${0%/*}"; echo "$(( 60 * $(cat waited 2>/dev/null | wc -l) ))"
""",
}


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


@pytest.fixture
def signing(plan: Plan, tmp_path: Path) -> Signing:
    """Return a function that has a certificate signed anew: how that ended, what it said and asked for."""
    [command] = present(plan, there(TLS, **{"ca.crt": "old"}), there(ROOT, **{"ca.crt": "new"})).commands
    for name, text in WORLD.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def run(signed: str = "new", refused: int = 0) -> tuple[int, str, list[str]]:
        known = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SIGNED": signed, "REFUSED": str(refused)}
        ran = subprocess.run(
            ["sh", "-c", command], env={**os.environ, **known}, capture_output=True, text=True, timeout=30
        )
        return ran.returncode, ran.stderr, (tmp_path / "asked").read_text().splitlines()

    return run


def test_it_waits_until_the_certificate_is_of_the_present_ca(signing: Signing) -> None:
    both = ["get slipway-ca", "get registry-tls"]

    assert signing() == (0, "", ["annotate registry-tls", *both, *both])


def test_a_certificate_that_nobody_signs_is_told_with_where_to_look(signing: Signing) -> None:
    code, said, _ = signing(signed="old")

    look = "kubectl -n cert-manager logs deployment/cert-manager"
    assert said == f"{TLS} was not signed anew within 180 s; look at: {look}\n"
    assert code == 1


def test_what_could_not_be_asked_for_is_not_waited_for(signing: Signing) -> None:
    assert signing(refused=1) == (1, "", ["annotate registry-tls"])


def test_secrets_that_cannot_be_read_are_no_present_ones(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        present(plan, FORBIDDEN)

    assert str(error.value).startswith(SILENT)


LOOK = Look("object-store", "minio-0", "minio", issuance.shown("/run/certificates/public.crt"))
CA = certificate()
OTHER = certificate()


def served(plan: Plan, *said: str, ca: Made | None = CA) -> Planned:
    data = {"tls.crt": encoded(ca), "tls.key": "d" * 64} if ca else {}
    metadata = {"name": "slipway-ca", "namespace": "cert-manager"}
    secret = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": data}
    answers = {"kubectl exec": [*said], "server-ca": read(secret)}
    return plan(issuance.served, "statefulset/minio", LOOK, ROOT, answers=answers)


def test_a_pod_that_serves_with_the_present_ca_stays(plan: Plan) -> None:
    assert served(plan, *look_of(certificate(CA, "minio"))).commands == []


def test_a_pod_that_serves_with_another_ca_begins_anew(plan: Plan) -> None:
    planned = served(plan, *look_of(certificate(OTHER, "minio")))

    assert planned.reasons == [
        "Pod object-store/minio-0 has a certificate of another CA than that in Secret cert-manager/slipway-ca"
    ]
    assert planned.notes.disturbs is Disturbs.PODS
    [command] = planned.commands
    assert command.endswith("kubectl rollout restart --namespace=object-store statefulset/minio >/dev/null")


def test_a_pod_that_shows_nothing_stays_and_so_does_one_before_there_is_a_ca(plan: Plan) -> None:
    assert served(plan, 'Error from server (NotFound): pods "minio-0" not found').commands == []
    assert served(plan, "|", "end").commands == []
    assert served(plan, *look_of(certificate(OTHER, "minio")), ca=None).commands == []


def look_of(held: Made) -> list[str]:
    """What a shell prints of a certificate's file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "public.crt"
        path.write_bytes(held[0].public_bytes(Encoding.PEM))
        script = issuance.shown(str(path))
        said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return said.stdout.splitlines()
