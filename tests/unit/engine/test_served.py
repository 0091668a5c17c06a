from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.engine import served, speaker
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import RunError
from deploy.model import Cluster

KEY = "sk-of-the-cluster"
# The API server's stand-in: an object is a file, named as it is asked for.
KUBECTL = """#!/bin/sh
cd {directory}
case "$*" in
"read /readyz") test -e down || echo '=== slipway 200 https://api' ;;
*) test ! -e broken || {{ echo 'etcdserver: request timed out' >&2; exit 1; }}
   cat "$2-$4-$5.json" 2>/dev/null; true ;;
esac
"""


def service(kind: str = "LoadBalancer", *, ingress: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": "model-tiny"},
        "spec": {"type": kind, "ports": [{"name": "http", "port": 80}]},
        "status": {"loadBalancer": {"ingress": ingress} if ingress else {}},
    }


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "api"
    directory.mkdir()
    (directory / "kubectl").write_text(KUBECTL.format(directory=directory))
    (directory / "kubectl").chmod(0o755)
    monkeypatch.setattr(speaker, "KUBECTL", str(directory / "kubectl"))
    monkeypatch.setattr(speaker, "asking", lambda path: f"{directory / 'kubectl'} read {path}")
    monkeypatch.setattr(speaker, "PATIENCE", 0.5)
    return directory


@pytest.fixture
def session(cluster: Cluster) -> Iterator[Session]:
    with Session(cluster, Path("lab.yaml")) as opened:
        yield opened


def put(api: Path, kind: str, namespace: str, name: str, thing: dict[str, Any]) -> None:
    (api / f"{namespace}-{kind}-{name}.json").write_text(json.dumps(thing))


def secret(**data: str) -> dict[str, Any]:
    encoded = {
        name.replace("_", "-"): base64.b64encode(value.encode()).decode() for name, value in data.items()
    }
    return {"metadata": {"name": "model-tiny"}, "data": encoded}


def test_address_and_key_are_those_of_the_cluster_and_the_key_is_in_no_log(
    api: Path, session: Session
) -> None:
    put(api, "service", "models", "model-tiny", service(ingress=[{"ip": "192.0.2.200"}]))
    put(api, "secret", "slipway-system", "model-tiny", secret(api_key=KEY))

    with open_log("test", "bench") as log:
        found = served.served(session, "model-tiny")

    assert (found.url, found.key) == ("http://192.0.2.200:80", KEY)
    assert KEY not in repr(found)
    assert KEY not in log.read_text()
    assert base64.b64encode(KEY.encode()).decode() not in log.read_text()


def test_a_model_without_a_secret_is_asked_without_a_key(api: Path, session: Session) -> None:
    put(api, "service", "models", "model-tiny", service(ingress=[{"hostname": "llm.home.arpa"}]))

    found = served.served(session, "model-tiny")

    assert (found.url, found.key) == ("http://llm.home.arpa:80", None)


def test_a_model_that_is_not_served_is_said_to_be(api: Path, session: Session) -> None:
    with pytest.raises(RunError) as raised:
        served.served(session, "model-tiny")

    assert str(raised.value) == (
        "test has no Service models/model-tiny: the model is not served; slipway apply lab.yaml"
    )


def test_what_could_not_be_read_is_not_taken_for_absent(api: Path, session: Session) -> None:
    (api / "broken").touch()
    with pytest.raises(RunError) as raised:
        served.served(session, "model-tiny")

    assert (
        str(raised.value) == "cp1: service models/model-tiny could not be read: etcdserver: request timed out"
    )


def test_without_an_api_server_there_is_no_answer(api: Path, session: Session) -> None:
    (api / "down").touch()
    with pytest.raises(RunError) as raised:
        served.served(session, "model-tiny")

    assert str(raised.value) == "no control plane of test answers; slipway verify says why"


def test_a_model_inside_of_the_cluster_only_says_how_it_is_reached() -> None:
    with pytest.raises(RunError) as raised:
        served.address(service("ClusterIP"))

    assert str(raised.value) == (
        "model-tiny answers inside of the cluster only: its Service is a ClusterIP. "
        "Set `expose: load-balancer`, or forward a port, and use --url http://127.0.0.1:8000 and --key-env:\n"
        "    kubectl --namespace models port-forward service/model-tiny 8000:80"
    )


def test_a_service_without_an_address_says_so() -> None:
    with pytest.raises(RunError) as raised:
        served.address(service())

    assert str(raised.value) == "the load balancer has given model-tiny no address; slipway verify says why"


def test_a_secret_without_the_key_is_no_open_model() -> None:
    with pytest.raises(RunError) as raised:
        served.api_key(secret(other="x"))

    assert str(raised.value) == (
        "Secret slipway-system/model-tiny has no key `api-key`; slipway apply mends it"
    )
