"""The way to the registry on a host, good once and then broken in one way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

import pytest
from clusters import LOCK, Ran
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from registry_world import HOSTNAME, REGISTRY, by_check

from checks.acceptance.runner import host_checks, prove_hosts
from checks.finding import Status


def served(days: float, *names: str) -> str:
    """Return a certificate as openssl prints it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "registry")])
    subjects = x509.SubjectAlternativeName(
        [*(x509.DNSName(name) for name in names), x509.IPAddress(IPv4Address("10.43.0.20"))]
    )
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(subjects, critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode()


def on_hosts(**change: Ran) -> dict[str, tuple[Status, str]]:
    """Return the findings on the control plane, with some of its commands answering otherwise."""
    way = "server = 'https://registry.home.arpa'\nca = '/etc/kubernetes/pki/ca.crt'\n[host.'https://10.43.0.20']\n"
    answers = {
        "getent": Ran(0, f"10.43.0.20      {HOSTNAME}\n"),
        "cat": Ran(0, way),
        "curl": Ran(0, "401 10.43.0.20"),
        "openssl": Ran(0, served(400, HOSTNAME)),
        **change,
    }

    def run(host: str, command: str) -> Ran:
        return next(answer for word, answer in answers.items() if command.startswith(word))

    wanted = [each for each in host_checks() if each.entry.group == "reg"]
    found = prove_hosts(REGISTRY, run, {}, {"lock": LOCK}, wanted)
    return by_check(each for each in found if each.host == "cp1" and each.group == "reg")


def test_a_good_way_to_the_registry_passes_on_a_host() -> None:
    assert {check: status for check, (status, _) in on_hosts().items()} == {
        "REG-04": Status.PASS,
        "REG-05": Status.PASS,
        "REG-08": Status.PASS,
    }


@pytest.mark.parametrize(
    ("check", "status", "found", "change"),
    [
        ("REG-04", Status.FAIL, "192.168.1.240", {"getent": Ran(0, f"192.168.1.240 {HOSTNAME}")}),
        ("REG-04", Status.FAIL, f"{HOSTNAME} is unknown", {"getent": Ran(2, "")}),
        (
            "REG-04",
            Status.FAIL,
            f"10.43.0.20, /etc/containerd/certs.d/{HOSTNAME}/hosts.toml does not lead there",
            {"cat": Ran(1, "")},
        ),
        ("REG-05", Status.FAIL, "200 from 10.43.0.20", {"curl": Ran(0, "200 10.43.0.20")}),
        ("REG-05", Status.FAIL, "401 from 192.168.1.240", {"curl": Ran(0, "401 192.168.1.240")}),
        (
            "REG-05",
            Status.FAIL,
            "curl: (60) SSL certificate problem",
            {"curl": Ran(60, "000 ", "curl: (60) SSL certificate problem")},
        ),
        (
            "REG-08",
            Status.UNAVAILABLE,
            "10.43.0.20:443 shows no certificate (REG-05)",
            {"openssl": Ran(0, "")},
        ),
        (
            "REG-08",
            Status.FAIL,
            "for 10.43.0.20, other.home.arpa",
            {"openssl": Ran(0, served(400, "other.home.arpa"))},
        ),
    ],
)
def test_a_broken_way_is_found(check: str, status: Status, found: str, change: dict[str, Ran]) -> None:
    assert on_hosts(**change)[check] == (status, found)


def test_a_certificate_near_its_end_is_found() -> None:
    status, found = on_hosts(openssl=Ran(0, served(7, HOSTNAME)))["REG-08"]
    ends = datetime.now(UTC) + timedelta(days=7)

    assert status is Status.FAIL
    assert found == f"for 10.43.0.20, {HOSTNAME}, ends on {ends:%Y-%m-%d}"
