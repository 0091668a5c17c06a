"""cert-manager signs for the store and the registry: with a root that it makes, then with the operator's.

Chart, definitions, webhook, injectors and controllers are cert-manager's own, behind mains of the lab's.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP, running
from tests.lab.serving.models import Findings, broken, findings, got, kubectl, value
from tests.lab.site import Site, site, until

pytestmark = pytest.mark.trial

HOSTS = ("n1", "n2")
NODES = ("cp1", "w1")
HOSTNAME = "registry.test-certs.test"
STORE = "minio.object-store.svc"
TRUSTED = "/etc/slipway/services-ca.crt"
CLUSTERS_OWN = "/etc/kubernetes/pki/ca.crt"
MADE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=own"
    " -addext keyUsage=critical,keyCertSign,cRLSign -keyout own.key -out own.pem 2>/dev/null"
)
PATIENCE = 900.0
# seconds until a kubelet has brought a changed Secret to a pod, which it looks for once in a minute or more
SYNCED = 240.0


@pytest.fixture(scope="module")
def hosts() -> Iterator[Lab]:
    yield from running("test-certs", 37, 2)


@pytest.fixture(scope="module")
def certs(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    nodes = [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")]
    made = site(hosts, "test-certs", tmp_path_factory.mktemp("certs"), nodes, like="lab-llm")
    del made.data["models"]
    made.data["registry"]["hostname"] = HOSTNAME
    made.data["certificates"] = {"provider": "cert-manager", "system_trust": True}
    hosts.write_lock(made.write())
    made.ok("apply", "--yes", timeout=PATIENCE)
    yield made
    if KEEP not in os.environ:
        made.forget()


def served(site: Site, name: str, address: str, port: int, ca: str) -> str:
    """Return the certificate that the worker is served there, as PEM; none where this CA did not sign it."""
    words = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", name]
    words += ["-CAfile", ca, "-verify_return_error", "-verify_hostname", name]
    return site.on(
        "n2", f"{shlex.join(words)} </dev/null 2>/dev/null | openssl x509 2>/dev/null", check=False
    )


def of_store(site: Site, ca: str = TRUSTED) -> str:
    address = got(site, "--namespace=object-store", "service", "minio")["spec"]["clusterIP"]
    return served(site, STORE, address, 9000, ca)


def of_registry(site: Site, ca: str = TRUSTED) -> str:
    return served(site, HOSTNAME, HOSTNAME, 443, ca)


def rows(site: Site) -> dict[tuple[str, str], str]:
    """Return the reasons of what is pending, by phase and operation."""
    return {(row["phase"], row["operation"]): row["reason"] for row in site.plan()}


def proven(found: Findings) -> set[tuple[str, str | None]]:
    return {key for key, each in found.items() if each["status"] == "pass"}


def all_is_well(site: Site) -> None:
    assert "0 changes." in site.ok("apply", "--yes", timeout=PATIENCE)
    assert site.plan(code=0) == []
    found = findings(site)
    assert broken(found) == {}
    assert proven(found) >= {(check, node) for check in ("REG-05", "REG-07") for node in NODES}
    site.ok("drift")


def test_a_second_apply_changes_nothing_hosts_pull_and_drift_is_clean(certs: Site) -> None:
    all_is_well(certs)


def test_store_and_registry_are_signed_by_the_root_that_cert_manager_made(certs: Site) -> None:
    root = value(certs, "cert-manager", "slipway-ca", "ca.crt").strip()

    assert {certs.on(host, f"cat {TRUSTED}") for host in HOSTS} == {root}
    assert of_store(certs) == value(certs, "object-store", "minio-tls", "tls.crt").strip()
    assert of_registry(certs) == value(certs, "registry", "registry-tls", "tls.crt").strip()
    assert (of_store(certs, CLUSTERS_OWN), of_registry(certs, CLUSTERS_OWN)) == ("", "")
    for host in HOSTS:
        assert certs.on(host, f"curl -so /dev/null -w '%{{http_code}}' https://{HOSTNAME}/v2/") == "401"


@dataclass(frozen=True)
class Drift:
    """The words for kubectl that make one, and the row that must tell of it."""

    made: str
    phase: str
    operation: str
    reason: str


DRIFTS = {
    "the registry's Certificate": Drift(
        "-n registry delete certificate registry-tls",
        "registry",
        f"Certify {HOSTNAME}",
        "Certificate registry/registry-tls is missing",
    ),
    "the store's Certificate": Drift(
        "-n object-store patch certificate minio-tls --type=merge"
        ' --patch \'{"spec": {"issuerRef": {"name": "slipway-self-signed"}}}\'',
        "object-store",
        f"Certify {STORE}",
        "Certificate object-store/minio-tls differs",
    ),
    "what signs": Drift(
        'patch clusterissuer slipway-ca --type=merge --patch \'{"spec": {"ca": {"secretName": "none"}}}\'',
        "certificates",
        "Make a CA",
        "ClusterIssuer slipway-ca differs",
    ),
    "what signs the root": Drift(
        "delete clusterissuer slipway-self-signed",
        "certificates",
        "Give it an issuer",
        "ClusterIssuer slipway-self-signed is missing",
    ),
    "what hands its CA to the API server": Drift(
        "-n cert-manager scale deployment cert-manager-cainjector --replicas=0",
        "certificates",
        "Install cert-manager",
        "Deployment cert-manager/cert-manager-cainjector differs",
    ),
}


def test_what_somebody_broke_is_named_under_its_phase_and_put_right(certs: Site) -> None:
    for drift in DRIFTS.values():
        kubectl(certs, *shlex.split(drift.made))

    told = rows(certs)
    night = certs.night(3, 5)

    for name, drift in DRIFTS.items():
        assert drift.reason in told.get((drift.phase, drift.operation), ""), f"{name}: {told}"
    seen = {(row["phase"], row["operation"]) for row in night["rows"]}
    assert {(drift.phase, drift.operation) for drift in DRIFTS.values()} <= seen
    certs.ok("apply", "--yes", timeout=PATIENCE)
    all_is_well(certs)


def test_a_certificate_that_is_made_anew_is_no_drift_of_the_store(certs: Site) -> None:
    before = value(certs, "object-store", "minio-tls", "tls.crt").strip()
    kubectl(certs, "--namespace=object-store", "delete", "secret", "minio-tls")
    until(lambda: _held(certs, "object-store", "minio-tls"), PATIENCE, "another certificate of the store")
    after = value(certs, "object-store", "minio-tls", "tls.crt").strip()

    assert after != before
    assert certs.plan(code=0) == []
    certs.ok("drift")
    until(lambda: of_store(certs) == after, SYNCED, "the store with its new certificate", every=2.0)


def test_a_registry_that_was_certified_anew_begins_with_it_by_an_apply(certs: Site) -> None:
    before = value(certs, "registry", "registry-tls", "tls.crt")
    kubectl(certs, "--namespace=registry", "delete", "secret", "registry-tls")
    until(lambda: _held(certs, "registry", "registry-tls"), PATIENCE, "another certificate of the registry")

    assert value(certs, "registry", "registry-tls", "tls.crt") != before
    assert [*rows(certs)] == [("registry", "Have its pod read its present certificate and password")]
    certs.ok("apply", "--yes", timeout=PATIENCE)
    assert of_registry(certs) == value(certs, "registry", "registry-tls", "tls.crt").strip()
    assert certs.plan(code=0) == []


def _held(site: Site, namespace: str, name: str) -> bool:
    """Say whether a Secret is there with a certificate, and cert-manager has no more to do for it."""
    place = f"--namespace={namespace}"
    found = kubectl(site, place, "get", "secret", name, "--ignore-not-found", "-o", "json")
    if not (found and json.loads(found).get("data", {}).get("tls.crt")):
        return False
    said = got(site, place, "certificate", name)["status"]["conditions"]
    states = {each["type"]: each["status"] for each in said}
    return states.get("Ready") == "True" and states.get("Issuing") != "True"


def test_a_webhook_that_begins_anew_is_waited_for(certs: Site) -> None:
    kubectl(certs, "delete", "clusterissuer", "slipway-self-signed")
    kubectl(
        certs,
        *shlex.split("-n cert-manager delete pod -l app.kubernetes.io/component=webhook --grace-period=0"),
        *("--force", "--wait=false"),
    )

    certs.ok("apply", "--yes", timeout=PATIENCE)

    all_is_well(certs)


def test_what_a_lost_root_signed_is_signed_by_the_next_one(certs: Site) -> None:
    """cert-manager makes a root at once, and leaves what the last one signed as it is."""
    before = value(certs, "cert-manager", "slipway-ca", "ca.crt")
    kubectl(certs, "--namespace=cert-manager", "delete", "secret", "slipway-ca")
    until(lambda: _held(certs, "cert-manager", "slipway-ca"), PATIENCE, "another root")
    root = value(certs, "cert-manager", "slipway-ca", "ca.crt")

    told = {*rows(certs)}
    certs.ok("apply", "--yes", timeout=PATIENCE)

    assert root != before
    assert told >= {
        ("trust", "Bring the CA to the host"),
        ("object-store", f"Have {STORE} certified by the present CA"),
        ("registry", f"Have {HOSTNAME} certified by the present CA"),
    }
    assert {certs.on(host, f"cat {TRUSTED}") for host in HOSTS} == {root.strip()}
    all_is_well(certs)


def test_an_authority_of_ones_own_signs_all_anew(certs: Site) -> None:
    certs.on("n1", f"cd /run && {MADE}")
    for name in ("own.pem", "own.key"):
        (certs.directory / name).write_text(certs.on("n1", f"cat /run/{name}") + "\n")
        (certs.directory / name).chmod(0o600)
    certs.data["certificates"]["authority"] = {"certificate": "own.pem", "key": {"file": "own.key"}}
    certs.write()

    certs.ok("apply", "--yes", timeout=PATIENCE)

    all_is_well(certs)
    assert {certs.on(host, f"cat {TRUSTED}") for host in HOSTS} == {certs.on("n1", "cat /run/own.pem")}
    assert of_registry(certs) == value(certs, "registry", "registry-tls", "tls.crt").strip()
    assert of_store(certs) == value(certs, "object-store", "minio-tls", "tls.crt").strip()
