"""The CA of the services on every host, and in the system's store."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from deploy.errors import HostError
from deploy.observe import trust as observed
from deploy.operations import trust
from tests.unit.operations.conftest import Plan, Planned

PATH = "/etc/slipway/services-ca.crt"
A, B = "a" * 64, "b" * 64


def pem() -> bytes:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "slipway homelab")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def system(plan: Plan, *lines: str) -> Planned:
    return plan(trust.system, PATH, answers={"sha256sum": [*lines]})


def test_a_ca_comes_as_it_is() -> None:
    made = pem()

    assert trust.certificate([base64.b64encode(made).decode()]) == made


@pytest.mark.parametrize("lines", [[], [""], ["<no value>"]])
def test_no_ca_yet_is_none(lines: list[str]) -> None:
    assert trust.certificate(lines) is None


@pytest.mark.parametrize("text", ["rubbish", base64.b64encode(b"rubbish").decode()])
def test_what_is_no_certificate_is_never_trusted(text: str) -> None:
    with pytest.raises(HostError) as error:
        trust.certificate([text])

    assert str(error.value) == "what lies there as ca.crt is not a certificate"


def test_a_ca_that_every_program_trusts_is_left_alone(plan: Plan) -> None:
    assert system(plan, f"wanted {A}", f"local {A}", f"linked {A}", "end").commands == []


@pytest.mark.parametrize("lines", [[f"wanted {A}"], [f"wanted {A}", f"local {B}", f"linked {B}"]])
def test_another_ca_goes_into_the_systems_store(plan: Plan, lines: list[str]) -> None:
    planned = system(plan, *lines, "end")

    assert planned.reasons == [f"the system's store does not have {PATH}"]
    part = f"{observed.LOCAL}.part"
    steps = [
        "mkdir -p /usr/local/share/ca-certificates",
        f"cp -- {PATH} {part}",
        f"chmod 0644 {part}",
        f"mv -fT -- {part} {observed.LOCAL}",
        "update-ca-certificates >/dev/null",
    ]
    assert planned.commands == [" && ".join(steps)]


def test_a_ca_that_is_not_on_the_host_yet_is_waited_for(plan: Plan) -> None:
    planned = system(plan, "end")

    assert planned.notes.until == "control-plane"
    assert planned.reasons == [f"{PATH} is not there yet"]


def test_a_store_that_cannot_be_read_is_not_taken_for_good(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        system(plan, f"wanted {A}", f"local {A}", f"linked {A}")

    assert str(error.value) == f"could not read {PATH} and {observed.LOCAL}"


def test_the_reader_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes(b"x")
    ran = subprocess.run(
        ["sh", "-c", observed.command(str(tmp_path / "ca.crt"))], capture_output=True, text=True, check=True
    )
    found = observed.parse(ran.stdout.splitlines())

    assert found is not None
    assert found.wanted == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
