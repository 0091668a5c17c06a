"""The verb on a cluster: this machine over SSH, an API server's stand-in, and a server on loopback."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import models
from deploy.engine import hostkeys, speaker
from deploy.model import paths
from tests.unit.cli.called import slipway
from tests.unit.engine.sshd import ME, Sshd, cluster_of
from tests.unit.load.server import KEY, Behaviour, serving

KUBECTL = """#!/bin/sh
case "$*" in
"read /readyz") echo '=== slipway 200 https://api' ;;
*"get service model-tiny"*) cat {directory}/service.json ;;
*"get secret model-tiny"*) cat {directory}/secret.json ;;
*"get gateways.gateway.networking.k8s.io,services"*) cat {directory}/fronts.json ;;
esac
"""


@pytest.fixture
def exposed() -> dict[str, Any]:
    """How the model is exposed."""
    return {}


@pytest.fixture
def inventory(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exposed: dict[str, Any]) -> Path:
    """A cluster of one host with one model, of dummy weights on its processor."""
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry("127.0.0.1"): sshd.host_key})
    (tmp_path / "kubectl").write_text(KUBECTL.format(directory=tmp_path))
    (tmp_path / "kubectl").chmod(0o755)
    for module in (speaker, models):
        monkeypatch.setattr(module, "KUBECTL", str(tmp_path / "kubectl"))
    monkeypatch.setattr(speaker, "asking", lambda path: f"{tmp_path / 'kubectl'} read {path}")
    model = {
        "name": "tiny",
        "source": {"host_path": "/data/tiny", "node": "n1"},
        "accelerator": "cpu",
        "arguments": ["--load-format=dummy"],
        "weights": "1Gi",
        "memory": "2Gi",
        "context": 256,
        **exposed,
    }
    cluster = cluster_of(
        {"name": "n1", "address": "127.0.0.1"},
        ssh={"user": ME, "port": sshd.port, "key": str(sshd.key)},
        models=[model],
    )
    # a file that names a loopback address is refused, and sshd listens on no other
    monkeypatch.setattr("deploy.cli.bench.load_cluster", lambda _: cluster)
    return tmp_path / "lab.yaml"


def served_at(directory: Path, url: str) -> None:
    service = {
        "metadata": {"name": "model-tiny"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": int(url.rpartition(":")[2])}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}},
    }
    secret = {"data": {"api-key": base64.b64encode(KEY.encode()).decode()}}
    (directory / "service.json").write_text(json.dumps(service))
    (directory / "secret.json").write_text(json.dumps(secret))


def test_a_model_is_asked_at_its_address_with_its_key_and_nobody_sees_the_key(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ("--clients", "1", "--requests", "2", "--save", tmp_path / "r")
    with serving(Behaviour(tokens=3)) as server:
        served_at(tmp_path, server.url)
        code = slipway("bench", inventory, "tiny", *quick)

    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert said.out.splitlines()[0] == (
        f"tiny at {server.url}: prompts of 32 words, answers of 64 tokens; dummy weights, CPU"
    )
    assert len(server.asked) == 1 + 1 + 2
    logs = "".join(each.read_text() for each in paths.logs("test").iterdir())
    for text in (said.out, (tmp_path / "r").read_text(), logs):
        assert KEY not in text
        assert base64.b64encode(KEY.encode()).decode() not in text


def test_a_model_that_was_not_applied_is_said_to_be_missing(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("service", "secret"):
        (tmp_path / f"{name}.json").write_text("")

    assert slipway("bench", inventory, "tiny") == 3
    assert capsys.readouterr().err == (
        f"test has no Service models/model-tiny: the model is not served; slipway apply {inventory}\n"
    )


BEHIND = {
    "expose": "gateway",
    "gateway": {"name": "front", "namespace": "gateways", "hostname": "tiny.home.arpa"},
}


@pytest.mark.parametrize("exposed", [BEHIND])
def test_a_model_behind_a_gateway_is_asked_at_the_gateways_address_by_its_name(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ("--clients", "1", "--requests", "2")
    with serving(Behaviour(tokens=3)) as server:
        served_at(tmp_path, server.url)
        port = int(server.url.rpartition(":")[2])
        gateway = {
            "kind": "Gateway",
            "metadata": {"name": "front", "namespace": "gateways"},
            "spec": {"listeners": [{"name": "web", "port": port, "protocol": "HTTP"}]},
            "status": {
                "addresses": [{"value": "127.0.0.1"}],
                "listeners": [{"name": "web", "attachedRoutes": 1}],
            },
        }
        (tmp_path / "fronts.json").write_text(json.dumps({"items": [gateway]}))
        code = slipway("bench", inventory, "tiny", *quick)

    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert said.out.startswith(f"tiny at {server.url}: ")
    assert server.hosts == {"tiny.home.arpa"}


@pytest.mark.parametrize("exposed", [BEHIND])
@pytest.mark.parametrize(
    ("fronts", "said"),
    [
        (
            {"items": [{"kind": "Gateway", "metadata": {"name": "front", "namespace": "gateways"}}]},
            "has no address in its status",
        ),
        ({"items": []}, "is not there"),
        (None, "could not be read: cat: {directory}/fronts.json: No such file or directory"),
    ],
)
def test_of_a_gateway_that_cannot_be_asked_that_is_said(
    inventory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    fronts: dict[str, Any] | None,
    said: str,
) -> None:
    if fronts is not None:
        (tmp_path / "fronts.json").write_text(json.dumps(fronts))

    assert slipway("bench", inventory, "tiny") == 3
    remedy = "slipway verify says why, or name its address with --url and --key-env"
    why = said.format(directory=tmp_path)
    assert capsys.readouterr().err == f"tiny: Gateway gateways/front {why}; {remedy}\n"
