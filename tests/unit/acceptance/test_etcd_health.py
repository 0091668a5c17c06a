"""etcd by what it says of itself: its members, its alarms, its size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clusters import CLUSTER, LOCK, Ran

from checks.acceptance.runner import host_checks, prove_hosts
from checks.acceptance.test_etcd import NO_KEYS, QUESTION
from deploy.model import Cluster, Distribution

CP1 = {"ID": "1", "name": "cp1", "peerURLs": ["https://10.0.0.11:2380"], "clientURLs": []}
STATUS = {"version": "3.6.8", "dbSize": str(24 << 20), "dbSizeQuota": str(2 << 30), "leader": "1"}
K3S = Cluster.model_validate(
    {
        "name": "homelab",
        "nodes": [{"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}],
        "kubernetes": {"distribution": "k3s", "version": "v1.36.3+k3s1", "k3s": {"datastore": "etcd"}},
    }
)


def said(ran: Ran, declared: Cluster = CLUSTER) -> tuple[str, str, str]:
    """Return (status, severity, found) of a control plane whose etcd answers so; no worker is asked."""
    asked: list[str] = []

    def run(host: str, command: str) -> Ran:
        asked.append(host)
        assert command == QUESTION[declared.kubernetes.distribution]
        return ran

    mine = [each for each in host_checks() if each.entry.id == "K8S-12"]
    found = [each for each in prove_hosts(declared, run, {}, {"lock": LOCK}, mine) if each.check == "K8S-12"]
    assert asked == ["cp1"]
    [finding] = found
    return finding.status.value, finding.severity.value, finding.found


def answered(*members: dict[str, Any], **status: Any) -> Ran:
    return Ran(out=f"{json.dumps({'members': members})}\n{json.dumps({**STATUS, **status})}\n")


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        (answered(CP1), ("pass", "warning", "members 10.0.0.11, no alarm, 24 MiB, 1 % of its quota")),
        (
            answered(CP1, dbSizeQuota="0"),
            ("pass", "warning", "members 10.0.0.11, no alarm, 24 MiB, 1 % of its quota"),
        ),
        (
            answered(CP1, {**CP1, "name": "old", "peerURLs": ["https://10.0.0.9:2380"]}),
            ("fail", "error", "members 10.0.0.11, 10.0.0.9"),
        ),
        (answered({**CP1, "name": ""}), ("fail", "error", "members 10.0.0.11 (not started)")),
        (answered({**CP1, "isLearner": True}), ("fail", "error", "members 10.0.0.11 (a learner)")),
        (
            answered(CP1, errors=["memberID:1 alarm:NOSPACE "]),
            ("fail", "error", "members 10.0.0.11, memberID:1 alarm:NOSPACE"),
        ),
        (
            answered(CP1, dbSize=str(1900 << 20)),
            ("fail", "warning", "members 10.0.0.11, no alarm, 1900 MiB, 92 % of its quota"),
        ),
        (
            Ran(7, err="curl: (7) Failed to connect"),
            ("fail", "error", "etcd does not answer: curl: (7) Failed to connect"),
        ),
        (
            Ran(58, err="curl: (58) could not load PEM client certificate"),
            (
                "unavailable",
                "error",
                "etcd's state could not be read: curl: (58) could not load PEM client certificate",
            ),
        ),
        (
            Ran(out='{"code": 14, "message": "no leader"}\n{}\n'),
            (
                "unavailable",
                "error",
                'etcd\'s state could not be read: {"code": 14, "message": "no leader"}\n{}',
            ),
        ),
        (answered(), ("fail", "error", "members ")),
    ],
)
def test_what_etcd_says_is_judged(ran: Ran, expected: tuple[str, str, str]) -> None:
    assert said(ran) == expected


def test_the_stand_in_of_k3s_has_no_keys_and_says_what_it_is() -> None:
    stand_in = Ran(NO_KEYS, out="k3s version v1.36.3+k3s1 (stand-in of the lab)\n")
    real = Ran(NO_KEYS, out="k3s version v1.36.3+k3s1 (0a1b2c3d)\n", err="cd: no such directory")

    assert said(stand_in, K3S)[0] == "skipped"
    assert said(real, K3S) == (
        "unavailable", "error", "etcd's state could not be read: cd: no such directory",
    )  # fmt: skip


def test_no_key_is_in_an_argument() -> None:
    assert all("BEGIN" not in question for question in QUESTION.values())
    assert "--key healthcheck-client.key" in QUESTION[Distribution.KUBEADM]


def test_etcd_is_asked_where_it_speaks_http() -> None:
    for distribution, port in ((Distribution.KUBEADM, 2379), (Distribution.K3S, 2382)):
        asked = QUESTION[distribution].split(" -w '\\n' ")[1].split()
        url = f"https://127.0.0.1:{port}/v3"
        assert asked == [f"{url}/cluster/member/list", f"{url}/maintenance/status"]
