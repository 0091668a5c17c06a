"""The registry's checks, each good once and then broken in every way that it looks for."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from clusters import CLUSTER, LISTS, LOCK, claim, registry_objects, seen, volume
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from checks.acceptance import registry_verdicts as verdicts
from checks.acceptance.registry import unpulled
from checks.acceptance.registry_script import Said, Transfer, parse
from checks.acceptance.room import room
from checks.acceptance.runner import host_checks, prove_hosts
from checks.cluster.registry import is_up
from checks.finding import Finding, Status
from deploy.model import Cluster

HOSTNAME = "registry.home.arpa"
DECLARED: dict[str, Any] = {"provider": "distribution", "hostname": HOSTNAME}
REGISTRY = Cluster.model_validate({**CLUSTER.model_dump(mode="json"), "registry": DECLARED})
HARBOR = Cluster.model_validate(
    {**CLUSTER.model_dump(mode="json"), "registry": {**DECLARED, "provider": "harbor"}}
)
GOOD = """\
push 201 0.50 200000000
tag-probe 201 0.01 0
resolve 200 0.01 0
resolved yes
pull 200 0.25 400000000
same yes
anyone-reads 401 0 0
anyone-writes 401 0 0
end
"""


def by_check(findings: Any) -> dict[str, tuple[Status, str]]:
    return {each.check: (each.status, each.found) for each in findings}


def said(**change: str | None) -> Said:
    """Return a good script's words with some of its lines replaced, or left out (None)."""
    lines = GOOD.splitlines()
    for name, line in change.items():
        first = name.replace("_", "-")
        lines = [line if each.split()[0] == first else each for each in lines]  # type: ignore[misc]
    return parse("\n".join(line for line in lines if line is not None))


def test_a_good_registry_passes_with_its_throughput() -> None:
    assert by_check(verdicts.findings(parse(GOOD), "cp1", harbor=False)) == {
        "REG-01": (Status.PASS, "100 MB in one request, 0.5 s"),
        "REG-02": (Status.PASS, "100 MB pushed at 200 MB/s and pulled at 400 MB/s, on cp1"),
        "REG-06": (Status.PASS, "401, 401"),
    }


@pytest.mark.parametrize(
    ("check", "status", "found", "change"),
    [
        ("REG-01", Status.FAIL, "HTTP 413 after 0.1 s", {"push": "push 413 0.1 0"}),
        ("REG-01", Status.FAIL, "HTTP 504 after 60.0 s", {"push": "push 504 60 0"}),
        (
            "REG-01",
            Status.UNAVAILABLE,
            "the push ended with HTTP 401 (REG-02)",
            {"push": "push 401 0.1 0"},
        ),
        ("REG-01", Status.UNAVAILABLE, "the push ended with no answer (REG-02)", {"push": None}),
        ("REG-02", Status.FAIL, "push: HTTP 500", {"push": "push 500 0.1 0"}),
        ("REG-02", Status.FAIL, "push: no answer", {"push": None}),
        ("REG-02", Status.FAIL, "tag: HTTP 400", {"tag_probe": "tag-probe 400 0 0"}),
        ("REG-02", Status.FAIL, "pull: HTTP 404", {"pull": "pull 404 0 0"}),
        (
            "REG-02",
            Status.FAIL,
            "the tag leads to another artefact than was pushed",
            {"resolved": None},
        ),
        ("REG-02", Status.FAIL, "what was read back is not what was pushed", {"same": None}),
        ("REG-06", Status.FAIL, "reads: HTTP 200", {"anyone_reads": "anyone-reads 200 0 0"}),
        ("REG-06", Status.FAIL, "writes: HTTP 202", {"anyone_writes": "anyone-writes 202 0 0"}),
        (
            "REG-06",
            Status.UNAVAILABLE,
            "nobody answered who writes without a password",
            {"anyone_writes": "anyone-writes 0 0 0"},
        ),
        (
            "REG-06",
            Status.UNAVAILABLE,
            "nobody answered who reads without a password",
            {"anyone_reads": None},
        ),
    ],
)
def test_one_fault_is_found(check: str, status: Status, found: str, change: dict[str, str | None]) -> None:
    assert by_check(verdicts.findings(said(**change), "cp1", harbor=False))[check] == (status, found)


def test_a_script_that_was_cut_off_proves_nothing() -> None:
    cut = parse(GOOD.replace("end\n", "") + "curl: (28) Operation timed out\n")

    assert by_check(verdicts.findings(cut, "cp1", harbor=False)) == dict.fromkeys(
        ("REG-01", "REG-02", "REG-06"), (Status.UNAVAILABLE, "cp1: (28) Operation timed out")
    )


@pytest.mark.parametrize(
    ("components", "found"),
    [
        ('{"components": [{"name": "core", "status": "healthy"}]}', None),
        (
            '{"components": [{"name": "core", "status": "healthy"}, {"name": "redis", "status": "ill"}]}',
            "redis is ill",
        ),
        ('{"components": []}', "Harbor names no part of it"),
        ("", "Harbor does not say how its parts are"),
        ("<html>", "Harbor does not say how its parts are"),
    ],
)
def test_harbor_answers_for_all_of_its_parts(components: str, found: str | None) -> None:
    healthy = parse(f"{GOOD}components {components}\n")
    status, words = by_check(verdicts.findings(healthy, "cp1", harbor=True))["REG-02"]

    assert (status, words) == ((Status.FAIL, found) if found else (Status.PASS, verdicts_found()))


def verdicts_found() -> str:
    return "100 MB pushed at 200 MB/s and pulled at 400 MB/s, on cp1"


def container(**state: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"state": state}]}}


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        (container(waiting={"reason": "CreateContainerError", "message": "no such file"}), None),
        (container(terminated={"reason": "StartError", "message": "exec: no such file"}), None),
        (
            container(waiting={"reason": "ErrImagePull", "message": "x509: unknown authority"}),
            "ErrImagePull: x509: unknown authority",
        ),
        (container(waiting={"reason": "ImagePullBackOff"}), "ImagePullBackOff"),
        (container(waiting={"reason": "ContainerCreating"}), "ContainerCreating"),
        (
            {"status": {"message": "the node was low on disk", "reason": "Evicted"}},
            "the node was low on disk",
        ),
        ({}, "nothing is said yet"),
    ],
)
def test_only_a_pod_that_has_its_image_proves_a_pull(pod: dict[str, Any], why: str | None) -> None:
    assert unpulled(pod) == why


def up(change: Callable[[dict[str, Any]], None] | None = None, of: Cluster = REGISTRY) -> list[Finding]:
    objects = copy.deepcopy(registry_objects(LISTS["deployments"], []))
    if change is not None:
        change(objects)
    return [*is_up(of, seen(lambda lists: lists.update(objects)))]


def test_a_registry_that_is_up_passes_with_its_addresses() -> None:
    [finding] = up()

    assert (finding.status, finding.found) == (Status.PASS, "1/1 ready at 10.43.0.20 and 10.0.0.201")


def _drop(objects: dict[str, Any], kind: str, name: str) -> None:
    objects[kind] = [each for each in objects[kind] if each["metadata"]["name"] != name]


def _named(objects: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
    return next(each for each in objects[kind] if each["metadata"]["name"] == name)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda o: _drop(o, "deployments", "registry"), "registry is missing"),
        (
            lambda o: _named(o, "deployments", "registry")["status"].update(availableReplicas=0),
            "registry has 0 of 1 pods ready",
        ),
        (
            lambda o: _named(o, "deployments", "registry")["metadata"].update(generation=2),
            "registry was changed and nothing has looked at it yet",
        ),
        (
            lambda o: _named(o, "deployments", "registry")["spec"].update(replicas=0),
            "registry has 1 of 0 pods ready",
        ),
        (lambda o: _drop(o, "services", "registry"), "Service registry is missing"),
        (
            lambda o: _named(o, "services", "registry")["spec"].update(clusterIP="10.43.7.7"),
            "Service registry has 10.43.7.7",
        ),
        (
            lambda o: _named(o, "services", "registry-external").update(status={}),
            "Service registry-external has no address of the pool",
        ),
        (
            lambda o: _drop(o, "services", "registry-external"),
            "Service registry-external has no address of the pool",
        ),
    ],
)
def test_a_registry_that_is_not_up_says_what_is_wrong(change: Any, found: str) -> None:
    [finding] = up(change)

    assert (finding.status, finding.found) == (Status.FAIL, found)


def test_every_part_of_harbor_must_run() -> None:
    [finding] = up(of=HARBOR)

    assert finding.status is Status.FAIL
    assert finding.found.startswith("harbor-core is missing; harbor-jobservice is missing")


@dataclass(frozen=True)
class Ran:
    rc: int
    out: str
    err: str = ""


@dataclass(frozen=True)
class Disk:
    """A host whose df says this."""

    line: str

    unreachable: Any = None

    def run(self, host: str, command: str, **_: Any) -> Ran:  # noqa: ARG002 - a host like any other
        return Ran(0, f"Filesystem 1024-blocks Used Available Capacity Mounted on\n{self.line}\n")


def on(node: str) -> dict[str, Any]:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}


def kept(line: str) -> dict[str, tuple[Status, str]]:
    name = "pvc-minio"
    lists = {
        "persistentvolumeclaims": [claim("registry", "registry")],
        "persistentvolumes": [volume(name, hostPath={"path": "/data/x"}, nodeAffinity=on("w1"))],
    }
    lists["persistentvolumeclaims"][0]["spec"]["volumeName"] = name
    return by_check(room(REGISTRY, seen(lambda all_: all_.update(lists)), Disk(line)))  # type: ignore[arg-type]


def test_room_for_layers_is_judged_where_they_lie() -> None:
    assert kept("/dev/sda 209715200 0 104857600 50% /data")["REG-03"][0] is Status.PASS
    assert kept("/dev/sda 209715200 0 1048576 99% /data")["REG-03"] == (
        Status.FAIL,
        "1 of 200 GiB free in /data, 50Gi declared",
    )
    assert kept("df: no")["REG-03"][0] is Status.UNAVAILABLE


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


def test_a_cluster_without_a_registry_says_nothing_of_one() -> None:
    found = prove_hosts(CLUSTER, lambda host, command: Ran(0, ""), {}, {"lock": LOCK})

    assert [each for each in found if each.group == "reg"] == []
    assert up(of=CLUSTER) == []


def test_a_transfer_that_never_was_has_no_throughput() -> None:
    assert Transfer().rate == "0 MB/s"
