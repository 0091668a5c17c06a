"""What a verify says of a cluster of k3s, where it differs from kubeadm's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from checks.acceptance.check import HostCheck
from checks.acceptance.runner import host_checks, prove_hosts
from checks.cluster.images import locked
from checks.cluster.snapshot import Answer, Snapshot
from checks.cluster.workloads import static_pods, system_workloads
from checks.finding import Finding
from deploy.observe.k3s import GENERATED, RECORD
from tests.unit.acceptance.clusters import DIGEST, LOCK, deployment
from tests.unit.k3s.conftest import cluster


@dataclass(frozen=True)
class Ran:
    rc: int = 0
    out: str = ""
    err: str = ""


BARE = {"k3s": {"disable": ["servicelb", "traefik", "local-storage", "metrics-server"]}}
CONTAINERD = "Client:\n  Version:  v2.3.7\nServer:\n  Version:  v2.3.7\n"
RECORDED = f"[ -s {RECORD} ] || {{ echo {RECORD} is missing >&2; exit 3; }}; sha256sum -c {RECORD}"


def seen(**lists: list[dict[str, Any]]) -> Snapshot:
    given = {"pods": [], "daemonsets": [], "deployments": [], **lists}
    return Snapshot({name: Answer(text=json.dumps({"items": items})) for name, items in given.items()})


def found(finding: Finding) -> tuple[str, str]:
    return finding.status.value, finding.found


def test_k3s_has_no_static_pods_to_look_for() -> None:
    assert list(static_pods(cluster(), seen())) == []


def test_what_k3s_deploys_and_was_not_disabled_must_be_up() -> None:
    ready = [deployment("kube-system", "coredns", 1, 1)]

    [bare] = system_workloads(cluster(**BARE), seen(deployments=ready))
    [whole] = system_workloads(cluster(), seen(deployments=ready))

    assert found(bare) == ("pass", "CoreDNS 1/1")
    assert found(whole) == (
        "fail",
        "CoreDNS 1/1, local-path-provisioner missing, metrics-server missing, Traefik missing",
    )


OWN = ("rancher/mirrored-coredns-coredns:1.14.2", "docker.io/rancher/klipper-helm:v0.9.8")
LOCKED = "registry.k8s.io/agnhost:2.63.0"


def compared(*images: str, **k3s: Any) -> tuple[str, str]:
    """Return RT-13 of pods with these images, in a cluster of k3s."""
    pods = [
        {
            "metadata": {"namespace": "kube-system", "name": "x"},
            "spec": {"containers": [{"name": "x", "image": image}]},
            "status": {"containerStatuses": [{"name": "x", "imageID": f"{image}@{DIGEST}"}]},
        }
        for image in images
    ]
    [finding] = locked(cluster(**k3s), LOCK, seen(pods=pods))
    return found(finding)


def test_images_that_k3s_brings_have_no_digest_of_their_own_and_others_do() -> None:
    assert compared(LOCKED, *OWN) == (
        "pass",
        "1/1 containers run what is locked, 2 are k3s' own by name",
    )
    assert compared("quay.io/other:1", *OWN) == (
        "fail",
        "0/1 containers run what is locked, not quay.io/other:1, 2 are k3s' own by name",
    )


def test_where_k3s_own_images_are_all_there_is_nothing_is_compared_and_nothing_passed() -> None:
    assert compared(*OWN) == (
        "skipped",
        "no container can be compared with the lock, 2 are k3s' own by name",
    )


@pytest.mark.parametrize(
    ("image", "k3s"),
    [
        ("docker.io/rancher/anything:evil", {}),
        ("quay.io/rancher/mirrored-coredns-coredns:1.14.2", {}),
        ("rancher/mirrored-coredns-coredns-too:1", {}),
        ("rancher/mirrored-library-traefik:3", BARE),
    ],
)
def test_what_k3s_does_not_bring_is_not_its_own(image: str, k3s: dict[str, Any]) -> None:
    assert compared(LOCKED, image, **k3s) == ("fail", f"1/2 containers run what is locked, not {image}")


def prove(check: str, answers: dict[str, Ran]) -> list[tuple[str, str]]:
    """Return what one check says of the agent."""
    wanted: list[HostCheck] = [each for each in host_checks() if each.entry.id == check]
    findings = prove_hosts(
        cluster(), lambda _, command: answers.get(command, Ran(127)), {}, {"lock": LOCK}, wanted
    )
    return [found(each) for each in findings if each.check == check and each.host == "a1"]


def asked(check: str) -> list[str]:
    """Return the commands that one check runs on the agent."""
    commands: list[str] = []

    def run(host: str, command: str) -> Ran:
        commands.extend([command] if host == "a1" else [])
        return Ran()

    wanted: list[HostCheck] = [each for each in host_checks() if each.entry.id == check]
    prove_hosts(cluster(), run, {}, {"lock": LOCK}, wanted)
    return commands


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("v1.36.3+k3s1 (abcdef01)", ("pass", "active, v1.36.3+k3s1 (abcdef01)")),
        ("v1.36.3+k3s1 (k3s stand-in)", ("pass", "active, v1.36.3+k3s1 (k3s stand-in)")),
        ("v1.36.3+k3s10 (abcdef01)", ("fail", "active, v1.36.3+k3s10 (abcdef01)")),
    ],
)
def test_a_report_says_what_runs_under_k3s_name(said: str, expected: tuple[str, str]) -> None:
    answers = {
        "systemctl is-active k3s-agent": Ran(out="active\n"),
        "k3s --version": Ran(out=f"k3s version {said}\ngo version go1.26.8\n"),
    }

    assert prove("K8S-13", answers) == [expected]


def test_containerd_inside_k3s_must_answer() -> None:
    active = {"systemctl is-active k3s-agent": Ran(out="active\n")}

    assert prove("RT-01", {**active, "ctr --connect-timeout 3s version": Ran(out=CONTAINERD)}) == [
        ("pass", "active, v2.3.7")
    ]
    assert prove("RT-01", {**active, "ctr --connect-timeout 3s version": Ran(1, err="no socket")}) == [
        ("fail", "active, no answer: no socket")
    ]


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        (Ran(out=f"{GENERATED}: OK\n"), ("pass", f"{GENERATED} is as k3s wrote it")),
        (Ran(), ("unavailable", "sha256sum compared nothing")),
        (Ran(1), ("fail", f"{GENERATED} is another since k3s started")),
        (
            Ran(3, err=f"{RECORD} is missing"),
            ("unavailable", f"what k3s generated at its last start is not recorded: {RECORD} is missing"),
        ),
    ],
)
def test_an_edit_of_what_k3s_generates_is_found_and_an_unread_one_is_no_pass(
    ran: Ran, expected: tuple[str, str]
) -> None:
    assert prove("RT-05", {RECORDED: ran}) == [expected]


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        (Ran(out="00-k3s-defaults.conf\n20-slipway.conf\n"), ("pass", "what was written for it")),
        (
            Ran(out="20-slipway.conf\n30-mine.conf\n"),
            ("fail", "30-mine.conf lies among its drop-ins"),
        ),
        (Ran(), ("fail", "20-slipway.conf is not among its drop-ins")),
        (Ran(1, err="find: away"), ("unavailable", "its files could not be read: find: away")),
    ],
)
def test_a_drop_in_of_the_kubelet_in_k3s_that_is_nobodys_is_found(
    ran: Ran, expected: tuple[str, str]
) -> None:
    [command] = asked("K8S-19")

    assert "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d" in command
    assert prove("K8S-19", {command: ran}) == [expected]


def test_the_kubelets_alarms_are_looked_for_where_k3s_logs_them() -> None:
    alarm = "2026-11-30T01:00:00+0000 a1 k3s[1]: eviction manager: attempting to reclaim memory"
    first = "2026-11-30T00:00:00+0000 a1 k3s[1]: starting"
    read = "journalctl -u k3s-agent --since -24h -o short-iso --no-pager -q"
    [command] = asked("K8S-11")

    assert command.startswith(f"{read} -n 1 && {read} | grep")
    assert prove("K8S-11", {command: Ran(out=f"{first}\n{alarm}\n")}) == [
        ("fail", "1 x eviction manager: attempting to reclaim")
    ]
    assert prove("K8S-11", {command: Ran(out=f"{first}\n")}) == [("pass", "no alarm")]


def test_no_check_of_a_host_asks_for_a_unit_that_k3s_does_not_have() -> None:
    """Kubelet and containerd are parts of k3s: a check that asks for theirs finds nothing, every night."""
    asked_for = {
        (each.entry.id, word)
        for each in host_checks()
        for command in asked(each.entry.id)
        for word in re.findall(r"(?:systemctl \S+|journalctl -u) (?:-\S+ )*(kubelet|containerd)\b", command)
    }

    assert asked_for == set()
