"""K8S-03 of what is served: by kubelets and API servers, with kubeadm and k3s."""

from __future__ import annotations

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from clusters import CLUSTER, LOCK, Ran
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from checks.acceptance.runner import host_checks, prove_hosts
from checks.acceptance.test_certificates import (
    CLIENT,
    EVERYWHERE,
    OF_CONTROL_PLANES,
    PEM,
    READ,
    READ_K3S,
    SERVED,
    parse,
    reading,
)
from checks.finding import Finding, Severity
from deploy.model import Cluster

K3S = Cluster.model_validate(
    {
        **CLUSTER.model_dump(mode="json"),
        "kubernetes": {"distribution": "k3s", "version": "v1.36.3+k3s1"},
    }
)
FILE, OTHER, OLD = 360, 361, 20
FILES = (*OF_CONTROL_PLANES, *EVERYWHERE)
ALL = len(FILES) + 2  # with those that are served
SAME = "the API server serves the one on file"
ANOTHER = "the API server serves another one than the file"


@cache
def certificate(days: int, begins: int = -400) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1)
    made = made.not_valid_before(now + timedelta(days=begins)).not_valid_after(now + timedelta(days=days))
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def printed(**served: int | None) -> Ran:
    """Return the answer of cp1 with one certificate in its files, and these by kubelet and API server."""
    ports = {"kubelet": 10250, "api": 6443}
    parts = [f"@ {name}\n{certificate(FILE)}" for name in FILES]
    for name, days in served.items():
        chain = "" if days is None else f"Subject:CN = x\n{certificate(days)}"
        parts.append(f"@ served at 10.0.0.11:{ports[name]}\n{chain}")
    return Ran(out="\n".join(parts))


def said(ran: Ran, declared: Cluster = CLUSTER) -> tuple[str, str]:
    finding = judged(ran, declared)
    return finding.status.value, finding.found


def judged(ran: Ran, declared: Cluster = CLUSTER) -> Finding:
    def run(host: str, command: str) -> Ran:
        assert command == reading(declared, declared.node(host))
        return ran if host == "cp1" else Ran(1)

    mine = [each for each in host_checks() if each.entry.id == "K8S-03"]
    findings = prove_hosts(declared, run, {}, {"lock": LOCK}, mine)
    [finding] = [each for each in findings if (each.check, each.host) == ("K8S-03", "cp1")]
    return finding


@pytest.mark.parametrize(
    ("ran", "declared", "expected"),
    [
        (
            printed(kubelet=OTHER, api=FILE),
            CLUSTER,
            ("pass", f"{ALL} certificates, pki/apiserver.crt ends in {FILE - 1} days, {SAME}"),
        ),
        (
            printed(kubelet=OLD, api=FILE),
            CLUSTER,
            ("fail", f"{ALL} certificates, served at 10.0.0.11:10250 ends in {OLD - 1} days"),
        ),
        (
            printed(kubelet=OTHER, api=OTHER),
            CLUSTER,
            ("fail", f"{ALL} certificates, pki/apiserver.crt ends in {FILE - 1} days, {ANOTHER}"),
        ),
        (
            printed(kubelet=None, api=FILE),
            CLUSTER,
            ("unavailable", "no certificate is served at 10.0.0.11:10250 (K8S-13, K8S-14)"),
        ),
        (
            printed(kubelet=OTHER),
            CLUSTER,
            ("unavailable", "no certificate is served at 10.0.0.11:6443 (K8S-13, K8S-14)"),
        ),
        (
            printed(kubelet=OTHER, api=OTHER),
            K3S,
            ("pass", f"{ALL} certificates, pki/apiserver.crt ends in {FILE - 1} days"),
        ),
        (
            printed(kubelet=OTHER, api=OLD),
            K3S,
            ("fail", f"{ALL} certificates, served at 10.0.0.11:6443 ends in {OLD - 1} days"),
        ),
    ],
)
def test_what_is_served_is_judged_beside_what_is_on_file(
    ran: Ran, declared: Cluster, expected: tuple[str, str]
) -> None:
    assert said(ran, declared) == expected


def test_nothing_on_file_is_not_made_good_by_what_is_served() -> None:
    served = Ran(out=f"@ served at 10.0.0.11:10250\n{certificate(FILE)}")

    assert said(served) == ("unavailable", "no certificate could be read: none is there")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_or_holds_no_certificate_is_a_fault(name: str) -> None:
    good = printed(kubelet=OTHER, api=FILE).out
    gone = good.replace(f"@ {name}\n{certificate(FILE)}", "")
    empty = good.replace(f"@ {name}\n{certificate(FILE)}", f"@ {name}\n")
    cut_off = good.replace(f"@ {name}\n{certificate(FILE)}", f"@ {name}\n{certificate(FILE)[:300]}\n")

    assert len({good, gone, empty, cut_off}) == 4
    for broken in (gone, empty, cut_off):
        assert said(Ran(out=broken)) == ("fail", f"no whole certificate in {name}")


def test_a_kubelet_that_never_renews_has_its_certificate_in_its_kubeconfig() -> None:
    good = printed(kubelet=OTHER, api=FILE).out
    held = f"@ kubelet.conf\n{base64.b64encode(certificate(FILE).encode()).decode()}\n"
    without = good.replace(f"@ {CLIENT}\n{certificate(FILE)}", held)
    empty = good.replace(f"@ {CLIENT}\n{certificate(FILE)}", f"@ {CLIENT}\n{held}")

    assert said(Ran(out=without))[0] == "pass"
    assert said(Ran(out=empty)) == ("fail", f"no whole certificate in {CLIENT}")


def test_a_kubeconfig_whose_certificate_is_broken_is_a_fault() -> None:
    good = printed(kubelet=OTHER, api=FILE).out
    for broken in ("LS0tLS1CRUdJTiBDRVJU\n", "no base64\n"):
        told = Ran(out=f"@ super-admin.conf\n{broken}{good}")
        assert said(told) == ("fail", "no whole certificate in super-admin.conf")


def test_another_file_that_holds_no_certificate_is_a_fault_on_k3s_too() -> None:
    good = printed(kubelet=OTHER, api=FILE).out
    empty = f"@ agent/client-kubelet.crt\n{good}"
    named = f"@ kubelet.conf\n{good}"

    assert (
        said(Ran(out=empty))
        == said(Ran(out=empty), K3S)
        == (
            "fail",
            "no whole certificate in agent/client-kubelet.crt",
        )
    )
    assert said(Ran(out=named))[0] == "pass", "it names the kubelet's file"


def test_a_link_to_nothing_and_an_empty_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent/a.crt").symlink_to(tmp_path / "nothing")
    (tmp_path / "agent/b.crt").touch()
    script = READ_K3S.replace("/var/lib/rancher/k3s", str(tmp_path))

    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "@ agent/a.crt\n@ agent/b.crt\n"
    assert CLIENT in READ


SIGNED = Cluster.model_validate(
    {**CLUSTER.model_dump(mode="json"), "certificates": {"provider": "cert-manager"}}
)


def test_the_ca_that_cert_manager_signs_with_ends_on_a_day_of_its_own() -> None:
    good = printed(kubelet=OTHER, api=FILE).out
    ends = f"{good}\n@ {SIGNED.services_ca}\n{certificate(OLD)}"

    assert said(Ran(out=ends), SIGNED) == (
        "fail",
        f"{ALL + 1} certificates, /etc/slipway/services-ca.crt ends in {OLD - 1} days",
    )


def test_that_ca_is_read_where_there_is_one_and_the_clusters_own_once(tmp_path: Path) -> None:
    own = tmp_path / "services-ca.crt"
    script = reading(SIGNED, SIGNED.node("w1")).replace(SIGNED.services_ca, str(own))
    script = script.replace("/etc/kubernetes", str(tmp_path)).partition("for at in ")[0]

    def read() -> list[str]:
        ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        return [each.name for each in parse(ran.stdout)]

    assert read() == []
    own.write_text(certificate(FILE))
    assert read() == [str(own)]
    assert "services-ca" not in reading(CLUSTER, CLUSTER.node("w1"))


def test_a_worker_is_asked_for_its_kubelets_alone() -> None:
    assert "6443" not in reading(CLUSTER, CLUSTER.node("w1"))
    assert "10.0.0.12:10250" in reading(CLUSTER, CLUSTER.node("w1"))


@pytest.mark.parametrize("speaker", ["curl", "openssl"])
def test_what_is_served_is_told_by_openssl_where_curl_is_too_old_for_that(
    tmp_path: Path, speaker: str
) -> None:
    for name in ("curl", "openssl"):
        said = f"Subject:CN = x\n{certificate(FILE)}" if name == speaker else "unknown variable: 'certs'"
        tool = tmp_path / name
        tool.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
        tool.chmod(0o755)

    ran = subprocess.run(
        ["sh", "-c", SERVED.format(doors="10.0.0.11:10250", served="served at ", pem=PEM)],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert [each.name for each in parse(ran.stdout)] == ["served at 10.0.0.11:10250"]


@pytest.mark.parametrize(
    ("made", "severity", "found"),
    [
        (certificate(20), Severity.WARNING, "ends in 19 days"),
        (certificate(6), Severity.ERROR, "ends in 5 days"),
        (certificate(-2), Severity.ERROR, "ended 3 days ago"),
        (certificate(900, begins=2), Severity.ERROR, "begins only on "),
    ],
)
def test_the_one_whose_dates_are_wrong_is_named_among_those_that_are_well(
    made: str, severity: Severity, found: str
) -> None:
    ran = printed(kubelet=FILE, api=FILE)

    finding = judged(Ran(out=f"{ran.out}\n@ pki/other.crt\n{made}"))

    assert (finding.status.value, finding.severity) == ("fail", severity)
    assert finding.found.startswith(f"{ALL + 1} certificates, pki/other.crt {found}")
    assert finding.detail.startswith(f"pki/other.crt {found}")
