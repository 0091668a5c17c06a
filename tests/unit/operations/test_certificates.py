"""Certificates: made on a host, made anew when they no longer serve."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.errors import HostError
from deploy.observe import authority
from deploy.observe.kube import Reach
from deploy.operations import secrets, signing
from tests.unit.operations.conftest import MISSING, Plan, Planned, read
from tests.unit.operations.secret_answers import TLS, digest

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

    served = "; pods that serve the one that is there start anew" if made else ""
    assert planned.reasons == [
        f"the certificate in Secret registry/registry-tls is made in registry: {why}{served}"
    ]
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
