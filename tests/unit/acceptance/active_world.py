"""An API and two hosts that answer an active verify as real ones did."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from clusters import CLUSTER, DIGEST, LOCK, Ran, kubectl_words

from checks.acceptance import active, outside
from checks.acceptance.active import Probe
from checks.acceptance.gates import Gate, Tell, silently
from checks.acceptance.hands import Kubectl
from checks.acceptance.probe import Said
from checks.finding import Finding

RUN = "20261130T031700Z-9f3a"
WHERE = "slipway-verify-20261130t031700z-9f3a"
PODS = {"cp1": ("probe-a", "10.42.0.5"), "w1": ("probe-b", "10.42.1.5")}


def pod(name: str, node: str, address: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"nodeName": node},
        "status": {
            "podIP": address,
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"imageID": f"registry.k8s.io/agnhost@{DIGEST}", "state": {"running": {}}}],
        },
    }


@dataclass
class Cluster:
    """Answers for a control plane and two hosts; tests change what it says."""

    pods: list[dict[str, Any]] = field(
        default_factory=lambda: [pod(name, node, address) for node, (name, address) in PODS.items()]
    )
    said: dict[str, dict[str, str]] = field(default_factory=dict)
    refuses: str = ""
    namespaces: list[dict[str, Any]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)
    creating: Callable[[], None] = lambda: None
    lists: dict[str, list[dict[str, Any]] | None] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert stdin or timeout
        if command.startswith("exec bash"):
            return Ran(out="".join(f"{name}\t{text}\n" for name, text in self.said[host].items()))
        words = kubectl_words(command)
        self.ran.append(words)
        if words.startswith("create"):
            self.creating()
            return Ran(1, err=self.refuses) if self.refuses else Ran()
        return Ran(out=self._answer(words)) if words.startswith("get") else Ran()

    def _answer(self, words: str) -> str:
        if "/pods?" in words:
            return json.dumps({"items": self.pods})
        if (name := words.rpartition("/")[2]) in ("storageclasses", "daemonsets"):
            items = self.lists.get(name, [])
            return "{}" if items is None else json.dumps({"items": items})
        if "labelSelector" in words:
            return json.dumps({"items": self.namespaces})
        spec = {"clusterIP": "10.43.0.9", "ports": [{"nodePort": 30123}]}
        return json.dumps({"spec": spec, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.200"}]}}})


def good() -> Cluster:
    """Return a cluster whose pods reach everything."""
    cluster = Cluster()
    for node, (name, _) in PODS.items():
        other, (theirs, _) = next((each, pod) for each, pod in PODS.items() if each != node)
        cluster.said[node] = {
            f"tcp {other}": json.dumps({"responses": [theirs]}),
            f"udp {other}": json.dumps({"responses": [theirs]}),
            "service": json.dumps({"responses": [name, theirs] * 4}),
            "name": json.dumps({"responses": [name]}),
        }
    return cluster


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(active, "PODS", Gate("the probe's pods", 0.0, every=0.01))
    monkeypatch.setattr(active, "ANSWERS", Gate("answers", 0.0, every=0.01))
    monkeypatch.setattr(outside, "ADDRESS", Gate("an address", 0.0, every=0.01))
    monkeypatch.setattr(outside, "ANSWER", Gate("an answer", 0.0, every=0.01))
    monkeypatch.setattr(outside, "PORT", Gate("the port", 0.0, every=0.01))
    monkeypatch.setattr(outside, "hostname", lambda address, port: Said(responses=("probe-b",)))


def prove(cluster: Cluster, tell: Tell = silently) -> list[Finding]:
    kubectl = Kubectl(cluster, "cp1", "/etc/kubernetes/admin.conf")
    image = LOCK.image("agnhost@v1.36.3")
    return Probe(CLUSTER, RUN, image, ("cp1", "w1"), kubectl, cluster, tell).findings()


def told(findings: list[Finding]) -> list[tuple[str, str | None, str, str]]:
    return [(each.check, each.host, each.status.value, each.found) for each in findings]


def bad(findings: list[Finding]) -> list[tuple[str, str | None, str, str]]:
    return [each for each in told(findings) if each[2] not in ("pass", "skipped")]
