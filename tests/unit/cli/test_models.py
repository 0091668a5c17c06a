"""What a person may type after an apply: it works as it stands, and shows no key."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.cli import models
from deploy.engine.link import Ran
from deploy.errors import UnreachableError
from deploy.model import Cluster, paths
from tests.unit.serving.clusters import FOLDER, TINY, cluster

SERVICE = {
    "kind": "Service",
    "metadata": {"name": "model-tiny", "namespace": "models"},
    "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.200"}]}},
}


@dataclass
class Session:
    """A session whose control plane answers with the Services, or not at all."""

    cluster: Cluster
    answer: str | None
    hosts: tuple[str, ...] = ("cp1",)
    asked: list[str] = field(default_factory=list)

    def run(self, host: str, command: str, **_: Any) -> Any:
        self.asked.append(f"{host}: {command}")
        if self.answer is None:
            raise UnreachableError("gone")
        return Ran(0, self.answer, "", 0.1)


def usage(wanted: Cluster, answer: str | None) -> list[str]:
    return models.usage(Session(wanted, answer))  # type: ignore[arg-type]


def test_a_model_is_asked_by_a_line_that_reads_its_key() -> None:
    wanted = cluster(TINY, ssh={"user": "ops", "port": 2222, "key": "/home/ops/.ssh/id"})

    found = usage(wanted, json.dumps({"items": [SERVICE]}))

    known = paths.known_hosts("homelab")
    way = f"ssh -o UserKnownHostsFile={known} -p 2222 -i /home/ops/.ssh/id ops@192.168.1.11"
    kubectl = "sudo -n kubectl --kubeconfig /etc/kubernetes/admin.conf --request-timeout=10s"
    read = f"{kubectl} --namespace models get secret model-tiny"
    header = "printf 'Authorization: Bearer %s' \"$KEY\""
    ask = "curl -s -H @- -H 'Content-Type: application/json' http://10.0.0.200/v1/chat/completions"
    body = '{"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}'
    assert found[0] == "tiny:"
    piped = shlex.quote(f"{read} -o jsonpath='{{.data.api-key}}' | base64 -d")
    assert found[1] == f"  KEY=$({way} {piped})"
    assert found[2] == f"  {header} | {ask} -d {shlex.quote(body)}"
    assert len(found) == 3


def test_dummy_weights_are_called_so() -> None:
    found = usage(cluster({**FOLDER}), json.dumps({"items": []}))

    assert found[0] == "mine:  # dummy weights: what it says means nothing"
    assert len(found) == 4


def test_a_model_that_nothing_exposes_is_asked_through_a_forwarded_port() -> None:
    found = usage(cluster(FOLDER), json.dumps({"items": []}))

    assert found[1] == (
        "  kubectl --namespace models port-forward service/model-mine 8000:80"
        "  # in another terminal, as long as it is asked"
    )
    assert " http://127.0.0.1:8000/v1/chat/completions " in found[3]


def test_a_model_behind_a_gateway_is_asked_by_its_name() -> None:
    def asked(**gateway: str) -> list[str]:
        front = {"name": "front", "namespace": "gateways", **gateway}
        return usage(cluster({**FOLDER, "expose": "gateway", "gateway": front}), json.dumps({"items": []}))

    named, nameless = asked(hostname="llama.home.arpa"), asked()
    assert (len(named), len(nameless)) == (3, 4)
    assert " http://llama.home.arpa/v1/chat/completions " in named[2]


@pytest.mark.parametrize(
    ("port", "hostname", "wanted"),
    [
        (
            80,
            "llama.home.arpa",
            "-H 'Host: llama.home.arpa' -H 'Content-Type: application/json' http://10.0.0.201/",
        ),
        (8080, "llama.home.arpa", "-H 'Content-Type: application/json' http://10.0.0.201:8080/"),
        (80, None, "curl -s -H @- -H 'Content-Type: application/json' http://10.0.0.201/"),
    ],
)
def test_a_model_behind_a_gateway_that_has_an_address_is_asked_there(
    port: int, hostname: str | None, wanted: str
) -> None:
    gateway = {
        "kind": "Gateway",
        "metadata": {"name": "front", "namespace": "gateways"},
        "spec": {"listeners": [{"name": "web", "port": port, "protocol": "HTTP"}]},
        "status": {
            "addresses": [{"value": "10.0.0.201"}],
            "listeners": [{"name": "web", "attachedRoutes": 1}],
        },
    }
    front = {"name": "front", "namespace": "gateways", "hostname": hostname}

    found = usage(
        cluster({**FOLDER, "expose": "gateway", "gateway": front}), json.dumps({"items": [SERVICE, gateway]})
    )

    assert len(found) == 3
    assert wanted in found[2]


def test_services_alone_are_asked_for_where_no_model_has_a_gateway() -> None:
    session = Session(cluster(TINY), json.dumps({"items": [SERVICE]}))

    assert models.usage(session)  # type: ignore[arg-type]
    assert len(session.asked) == 1


@pytest.mark.parametrize("answer", [None, "", '{"items": []}'])
def test_what_cannot_be_asked_is_not_shown(answer: str | None) -> None:
    assert usage(cluster(TINY), answer) == []


def test_without_models_nobody_is_asked() -> None:
    session = Session(cluster(), "")

    assert models.usage(session) == []  # type: ignore[arg-type]
    assert session.asked == []
