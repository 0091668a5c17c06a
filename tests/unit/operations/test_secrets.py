"""Secrets: made once, never shown, copied and compared by digest; certificates that the CA signs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.errors import HostError, InventoryError
from deploy.model import SecretRef
from deploy.observe import authority
from deploy.observe import secrets as observed
from deploy.observe.kube import Reach
from deploy.operations import secrets, signing
from deploy.operations.kube import SILENT
from deploy.operations.secrets import Copy, Fixed, Generated, Given, Keep, Where
from tests.unit.operations.conftest import FORBIDDEN, MISSING, NO_CLUSTER, Plan, Planned, digested, read

HOME = Where("slipway-system", "object-store")
USED = Where("object-store", "minio")
TLS = Where("registry", "registry-tls")
VALUES = {"access-key": Fixed("slipway"), "secret-key": Generated(40)}
KEYS = {"root-user": "access-key", "root-password": "secret-key"}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def there(where: Where, type_: str = "Opaque", **values: str) -> str:
    """What a host says of a Secret; `_` in a key stands for `-`."""
    named = {key.replace("_", "-"): text for key, text in values.items()}
    return digested(where.namespace, where.name, type_, named)


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


Made = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def certificate(
    issuer: Made | None = None, *names: str, begins: datetime | None = None, days: int = 900
) -> Made:
    """Make a CA, or what it signs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" if issuer else "kubernetes")])
    begins = begins or datetime.now(UTC) - timedelta(days=1)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer[0].subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if names:
        built = built.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False
        )
    return built.sign(issuer[1] if issuer else key, hashes.SHA256()), key


CA = certificate()


def encoded(made: Made) -> str:
    return base64.b64encode(made[0].public_bytes(Encoding.PEM)).decode()


def certified(plan: Plan, made: Made | None, ca: Made | None = CA) -> Planned:
    data = {"tls.crt": encoded(made), "tls.key": digest("key")} if made else {}
    metadata = {"name": TLS.name, "namespace": TLS.namespace}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls"}
    said = read({**secret, "data": data}) if made else MISSING
    lines = [*said.splitlines(), *([f"ca {encoded(ca)}"] if ca else [])]
    return plan(secrets.certified, TLS, ["r.home.arpa"], "registry", answers={"server-ca": lines})


def test_a_good_certificate_is_left_alone(plan: Plan) -> None:
    assert certified(plan, certificate(CA, "r.home.arpa")).commands == []


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (None, "there is none"),
        (certificate(CA, "other"), "it is for other, wanted r.home.arpa"),
        (certificate(certificate(), "r.home.arpa"), "the cluster's CA did not sign it"),
        (
            certificate(CA, "r.home.arpa", begins=datetime(2026, 1, 1, tzinfo=UTC), days=100),
            "it ends on 2026-04-11",
        ),
    ],
    ids=["none", "other names", "another CA", "near its end"],
)
def test_a_certificate_that_does_not_serve_is_made_anew(plan: Plan, made: Made | None, why: str) -> None:
    planned = certified(plan, made)

    assert planned.reasons == [f"the certificate in Secret registry/registry-tls is made in registry: {why}"]
    assert len(planned.commands) == 1


def test_a_third_of_its_life_is_enough() -> None:
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    made = certificate(CA, "r.home.arpa", begins=begins, days=90)[0]
    found = authority.Certified(Reach.ANSWERS, made, CA[0])

    assert authority.unfit(found, ["r.home.arpa"], begins + timedelta(days=60)) is None
    assert authority.unfit(found, ["r.home.arpa"], begins + timedelta(days=61)) == "it ends on 2026-04-01"


def test_without_the_cas_key_it_says_what_can_be_done(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        certified(plan, None, ca=None)

    assert str(error.value) == (
        "the cluster's CA has no key on this control plane (/etc/kubernetes/pki/ca.key,"
        " /var/lib/rancher/k3s/server/tls/server-ca.key), so nothing can be signed with it;"
        " use certificates: {provider: cert-manager}"
    )


def test_a_host_makes_a_certificate_for_servers_only_and_leaves_no_key_behind(tmp_path: Path) -> None:
    ca = tmp_path / "ca"
    ca.with_suffix(".crt").write_bytes(CA[0].public_bytes(Encoding.PEM))
    ca.with_suffix(".key").write_bytes(CA[1].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\ncat > {tmp_path}/applied\n")
    kubectl.chmod(0o755)
    script = signing.script(TLS, ["r.home.arpa", "r"], ["10.96.0.20"])
    script = script.replace("/etc/kubernetes/pki/ca ", f"{ca} ").replace("/run/slipway", f"{tmp_path}/run")

    subprocess.run(
        ["sh", "-c", script], check=True, env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    )

    made = json.loads((tmp_path / "applied").read_text())
    crt = x509.load_pem_x509_certificate(base64.b64decode(made["data"]["tls.crt"]))
    usage = crt.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert (made["type"], made["metadata"]["name"]) == ("kubernetes.io/tls", "registry-tls")
    assert authority.names(crt) == {"r.home.arpa", "r", "10.96.0.20"}
    assert [*usage] == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert (crt.not_valid_after_utc - crt.not_valid_before_utc).days == signing.DAYS
    assert base64.b64decode(made["data"]["ca.crt"]) == CA[0].public_bytes(Encoding.PEM)
    found = authority.Certified(Reach.ANSWERS, crt, CA[0])
    assert authority.unfit(found, ["r.home.arpa", "r", "10.96.0.20"], datetime.now(UTC)) is None
    assert [*(tmp_path / "run").iterdir()] == []
