"""The CA of the services on every host, and in the system's store."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.context import ctx_config, ctx_host, ctx_inventory, ctx_state

from deploy.errors import HostError
from deploy.observe import trust as observed
from deploy.operations import notes, trust
from deploy.operations.secrets import Where
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


HERE, SPEAKER = "@fake/w1", "@fake/cp1"
FILES = "stat --printf='%F"


def brought(there: Any, here: Any = ("end-of-files",)) -> Planned:
    """Plan on one host what another is asked for."""
    quiet = {"fake_delay": 0, "fake_delay_jitter": 0}
    hosts = [
        (HERE, {"fake_responses": {FILES: list(here), "base64": "end-of-files"}, **quiet}),
        (SPEAKER, {"fake_responses": {"kubectl": there}, **quiet}),
    ]
    state = State(Inventory((hosts, {})), Config())
    connect_all(state)
    source = Where("cert-manager", "slipway-ca")
    with (
        ctx_state.use(state),
        ctx_inventory.use(state.inventory),
        ctx_host.use(state.inventory.get_host(HERE)),
        ctx_config.use(state.config),
        notes.listening() as said,
    ):
        commands = list(trust.brought._inner(SPEAKER, source, PATH, "certificates"))
    stdin = [str(command.connector_arguments.get("_stdin", "")) for command in commands]
    return Planned([command.get_raw_value() for command in commands], stdin, said)


def test_the_ca_is_asked_of_a_control_plane_and_written_whole() -> None:
    made = pem()
    planned = brought(base64.b64encode(made).decode())

    assert planned.reasons == [f"{PATH} is missing"]
    assert base64.b64decode(planned.stdin[0]) == made


def test_the_ca_that_is_there_is_left_alone() -> None:
    made = pem()
    lines = [f"regular file\t644\troot\troot\t{PATH}", f"{hashlib.sha256(made).hexdigest()}  {PATH}"]

    assert brought(base64.b64encode(made).decode(), [*lines, "end-of-files"]).commands == []


def test_before_there_is_a_ca_nothing_is_written() -> None:
    planned = brought("")

    assert planned.notes.until == "certificates"
    assert planned.commands == ["echo 'Secret cert-manager/slipway-ca has no CA' >&2; exit 1"]


def test_rubbish_is_an_error_that_names_its_place() -> None:
    with pytest.raises(HostError) as error:
        brought("rubbish")

    assert str(error.value) == (
        "Secret cert-manager/slipway-ca, asked for its CA: what lies there as ca.crt is not a certificate"
    )


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
