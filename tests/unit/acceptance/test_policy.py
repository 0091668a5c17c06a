"""A NetworkPolicy that is enforced, is not, or of which nothing can be said."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from clusters import CLUSTER, Ran, kubectl_words

from checks.acceptance import policy
from checks.acceptance.gates import Gate, silently
from checks.acceptance.hands import Kubectl
from checks.acceptance.pods import Pod
from checks.acceptance.policy import Shield, denial, enforcer, objects
from checks.acceptance.probe import LABELS, Question, Said
from deploy.model import Cluster

UP = {
    "cp1": Pod("probe-a", "cp1", "10.42.0.5", "", None),
    "w1": Pod("probe-b", "w1", "10.42.1.5", "", None),
}
READY = {"conditions": [{"type": "Ready", "status": "True"}], "podIP": "10.42.1.9"}
CRASHED = {"containerStatuses": [{"state": {"terminated": {"reason": "OOMKilled"}}}], "podIP": "10.42.1.9"}
ANSWER, SILENCE = Said(("somebody",)), Said(errors=("i/o timeout",))
K3S = Cluster.model_validate(
    {
        "name": "homelab",
        "kubernetes": {"distribution": "k3s", "version": "v1.36.3+k3s1"},
        "nodes": [{"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]}],
    }
)


@dataclass
class Network:
    """An API and pods: `enforced` says whether a policy that is there has an effect."""

    enforced: bool = True
    dies: bool = False
    deaf: bool = False
    crashes: bool = False
    status: dict[str, Any] = field(default_factory=lambda: READY)
    daemonsets: list[str] | None = field(default_factory=lambda: ["cilium"])
    refuses: str = ""
    made: list[str] = field(default_factory=list)
    unreachable: dict[str, str] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert (host, bool(timeout)) == ("cp1", True)
        words = kubectl_words(command)
        if words.startswith("create"):
            [item] = json.loads(stdin or "")["items"]
            if self.refuses == item["kind"]:
                return Ran(1, err="forbidden")
            self.made.append(item["kind"])
            return Ran()
        if words.endswith("/daemonsets"):
            items = [{"metadata": {"name": name}} for name in self.daemonsets or ()]
            return Ran(1, err="refused") if self.daemonsets is None else Ran(out=json.dumps({"items": items}))
        status = CRASHED if self.crashes and "NetworkPolicy" in self.made else self.status
        item = {"metadata": {"name": "shielded"}, "spec": {"nodeName": "w1"}, "status": status}
        return Ran(out=json.dumps(item))

    def ask(self, asking: Pod, questions: Iterable[Question]) -> Mapping[str, Said]:
        denied = "NetworkPolicy" in self.made
        shielded = SILENCE if self.deaf or (denied and (self.enforced or self.dies)) else ANSWER
        control = SILENCE if denied and self.dies else ANSWER
        assert {each.host for each in questions} == {"10.42.1.9", "10.42.1.5"}
        assert asking.name == "probe-a"
        return {"shielded": shielded, "control": control}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UP", "ANSWERS", "DENIED"):
        monkeypatch.setattr(policy, name, Gate(name, 0.0, every=0.001))


def proven(network: Network, cluster: Cluster = CLUSTER, up: Mapping[str, Pod] = UP) -> tuple[str, str]:
    kubectl = Kubectl(network, "cp1", "/etc/kubernetes/admin.conf")
    found = Shield(cluster, kubectl, "verify", "agnhost", up, network.ask, silently).finding()
    assert (found.check, found.host) == ("K8S-18", None)
    return found.status.value, found.found


def test_a_pod_that_falls_silent_only_when_it_is_denied_proves_enforcement() -> None:
    network = Network()

    assert proven(network) == ("pass", "Cilium denied a pod that answered before")
    assert network.made == ["Pod", "NetworkPolicy"]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Network(enforced=False), ("fail", "the pod still answers, and Cilium is to deny it on w1")),
        (
            Network(dies=True),
            ("unavailable", "nobody answers any more, so a silent pod proves nothing"),
        ),
        (
            Network(crashes=True),
            (
                "unavailable",
                "the pod that fell silent is not ready any more (OOMKilled), which proves nothing",
            ),
        ),
        (
            Network(deaf=True),
            ("unavailable", "the pod did not answer before it was denied either: i/o timeout"),
        ),
        (
            Network(status={"conditions": []}),
            ("unavailable", "the pod that is to be denied is not ready: it starts"),
        ),
        (Network(daemonsets=None), ("unavailable", "refused")),
        (Network(refuses="Pod"), ("unavailable", "forbidden")),
        (Network(refuses="NetworkPolicy"), ("unavailable", "forbidden")),
    ],
)
def test_silence_alone_is_never_a_pass(network: Network, expected: tuple[str, str]) -> None:
    assert proven(network) == expected


def test_nobody_to_ask_proves_nothing() -> None:
    assert proven(Network(), up={}) == ("unavailable", "no pod of the probe runs that could ask")


def test_where_nothing_enforces_policies_none_is_made() -> None:
    network = Network(daemonsets=["kube-flannel-ds"])

    assert proven(network) == (
        "skipped",
        "nothing here enforces NetworkPolicies: flannel by itself does not",
    )
    assert network.made == []


def k3s(**options: Any) -> Cluster:
    data = K3S.model_dump(mode="json")
    return Cluster.model_validate({**data, "kubernetes": {**data["kubernetes"], "k3s": options}})


@pytest.mark.parametrize(
    ("cluster", "daemonsets", "by"),
    [
        (CLUSTER, [], None),
        (CLUSTER, ["kube-flannel-ds", "kube-proxy"], None),
        (CLUSTER, ["canal"], "Canal"),
        (CLUSTER, ["calico-node"], "Calico"),
        (k3s(), [], "k3s' kube-router"),
        (k3s(server={"disable-network-policy": True}), [], None),
        (k3s(server={"disable-network-policy": True}), ["cilium"], "Cilium"),
        (k3s(flannel_backend="none"), [], None),
        (k3s(flannel_backend="none", server={"disable-network-policy": False}), [], "k3s' kube-router"),
        (k3s(flannel_backend="none"), ["calico-node"], "Calico"),
    ],
)
def test_who_enforces_policies_is_known_by_what_runs(
    cluster: Cluster, daemonsets: list[str], by: str | None
) -> None:
    assert enforcer(cluster, [{"metadata": {"name": name}} for name in daemonsets]) == by


def test_the_policy_is_about_one_pod_and_the_probes_own_service_does_not_lead_to_it() -> None:
    [pod], [denied] = objects("verify", "agnhost"), denial("verify")

    assert denied["spec"] == {"podSelector": {"matchLabels": {"app": "shielded"}}, "policyTypes": ["Ingress"]}
    assert pod["metadata"]["labels"] == {"app": "shielded"} != LABELS
