"""A verify asks models over real HTTP: what a good one answers passes, and every fault is said."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from clusters import CLUSTER
from typing_extensions import override

from checks.acceptance import serving
from checks.acceptance.asking import Endpoint
from checks.acceptance.asking_inside import Inside
from checks.acceptance.gates import Gate
from checks.acceptance.hands import Kubectl
from checks.acceptance.serving import METRICS, ServingProbe
from checks.finding import Finding, Status
from deploy.model import Cluster
from deploy.serving import names

KEY = "sk-very-secret"
MODEL: dict[str, Any] = {
    "name": "tiny",
    "source": {"pvc": "tiny"},
    "weights": "1Gi",
    "memory": "8Gi",
    "context": 256,
    "arguments": ["--load-format", "dummy"],
}
REFUSED = "tiny: without a key status 401, with a wrong one status 401, /invocations status 404"


class Engine(ThreadingHTTPServer):
    """Answers as vLLM does; `faults` are what it does wrong."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("", 0), _Handler)
        self.faults: set[str] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Engine

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        if self.path == "/health":
            self._say(503 if "ill" in self.server.faults else 200, "")
        elif self.path == "/metrics":
            names = METRICS[:-1] if "renamed" in self.server.faults else METRICS
            self._say(200, "".join(f'# HELP {name} x\n{name}{{model_name="tiny"}} 1\n' for name in names))
        elif self._admitted():
            name = "other" if "misnamed" in self.server.faults else "tiny"
            self._say(200, json.dumps({"data": [{"id": name}]}))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/invocations":
            self._say(200 if "beside" in self.server.faults else 404, "{}")
            return
        if not self._admitted():
            return
        if body.get("stream"):
            end = "" if "endless" in self.server.faults else "data: [DONE]\n\n"
            chunk = 'data: {"choices": [{"delta": {"content": "a"}}]}\n\n'
            if "broken" in self.server.faults:
                chunk = 'data: {"error": {"message": "EngineCore died", "code": 500}}\n\n'
            self._say(200, ("" if "empty" in self.server.faults else chunk * 3) + end)
        else:
            tokens = 0 if "mute" in self.server.faults else 16
            self._say(200, json.dumps({"choices": [{"text": "a"}], "usage": {"completion_tokens": tokens}}))

    def _admitted(self) -> bool:
        good = self.headers["Authorization"] == f"Bearer {KEY}" or "open" in self.server.faults
        if not good:
            self._say(401, '{"error": "Unauthorized"}')
        return good

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


@dataclass(frozen=True)
class Said:
    """What a command did."""

    rc: int
    out: str = ""
    err: str = ""


class Hands:
    """Hosts whose kubectl knows the model's Service, its pods and its key; other commands are run."""

    def __init__(self, address: str | None = "127.0.0.1", key: str | None = KEY, pods: Any = ("w1",)) -> None:
        self.address, self.key, self.pods = address, key, pods
        self.unreachable: dict[str, str] = {}
        self.ran: list[tuple[str, str]] = []

    def run(self, host: str, command: str, *, stdin: Any = None, timeout: float = 60.0) -> Said:
        if not command.startswith("kubectl"):
            self.ran.append((host, command))
            done = subprocess.run(
                ["sh", "-c", command],
                input=stdin,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
            return Said(done.returncode, done.stdout, done.stderr)
        assert host == "cp1"
        if "get secret" in command:
            return Said(1) if self.key is None else Said(0, self._encoded())
        if "/pods?labelSelector=" in command:
            return Said(0, json.dumps({"items": [self._pod(*each.split()) for each in self.pods]}))
        ingress = [{"ip": self.address}] if self.address else []
        status = {"loadBalancer": {"ingress": ingress}}
        return Said(0, json.dumps({"spec": {"clusterIP": self.address}, "status": status}))

    def _pod(self, node: str, ready: str = "True") -> dict[str, Any]:
        conditions = [{"type": "Ready", "status": ready}]
        return {"spec": {"nodeName": node}, "status": {"podIP": "127.0.0.2", "conditions": conditions}}

    def _encoded(self) -> str:
        return base64.b64encode(str(self.key).encode()).decode()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    server = Engine()
    monkeypatch.setattr(names, "PORT", server.server_address[1])
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(names, "SERVICE_PORT", server.server_address[1])
    monkeypatch.setattr(serving, "HEALTHY", Gate("a model to answer", 0.0))
    yield server
    server.shutdown()
    server.server_close()


def asked(hands: Hands | None = None, *others: dict[str, Any], **changes: Any) -> list[Finding]:
    models = [{**MODEL, **changes}, *({**MODEL, **other} for other in others)]
    wanted = {**CLUSTER.model_dump(mode="json", exclude_none=True), "models": models}
    kubectl = Kubectl(hands or Hands(), "cp1", "/etc/kubernetes/admin.conf")
    return ServingProbe(Cluster.model_validate(wanted), kubectl, lambda text: None).findings()


def said(findings: list[Finding]) -> dict[str, tuple[Status, str]]:
    return {each.check: (each.status, each.found) for each in findings}


def test_a_good_model_passes_and_its_dummy_weights_are_named(engine: Engine) -> None:
    found = said(asked())

    assert {check: status for check, (status, _) in found.items()} == dict.fromkeys(
        serving.CHECKS, Status.PASS
    )
    assert found["SRV-04"][1] == "tiny at 127.0.0.1 (dummy weights, cpu): 16 tokens"
    assert re.fullmatch(r"tiny: first token after \d\.\d\d s, 3 pieces in \d\.\d\d s", found["SRV-08"][1])
    assert found["SRV-09"][1] == REFUSED
    assert found["SRV-10"][1] == "tiny: 12/12 names"


def test_what_an_answer_is_worth_is_said_by_its_weights_and_its_image(engine: Engine) -> None:
    def worth(**changes: Any) -> str:
        return said(asked(arguments=[], **changes))["SRV-04"][1]

    assert worth() == "tiny at 127.0.0.1 (cpu): 16 tokens"
    assert worth(random_weights=True) == "tiny at 127.0.0.1 (dummy weights, cpu): 16 tokens"
    held = {"gpus": {"vendor": "intel"}, "random_weights": True}
    assert worth(**held) == "tiny at 127.0.0.1 (dummy weights, xpu): 16 tokens"
    own = "docker.io/vllm/vllm-openai-cpu:v0.32.0"
    assert worth(**held, image=own) == "tiny at 127.0.0.1 (dummy weights, cpu): 16 tokens"


@pytest.mark.parametrize(
    ("fault", "check", "text"),
    [
        ("misnamed", "SRV-04", "tiny at 127.0.0.1: lists other"),
        ("mute", "SRV-04", "tiny at 127.0.0.1: a completion came to status 200, 0 tokens"),
        ("empty", "SRV-08", "tiny: the stream had nothing in it"),
        (
            "broken",
            "SRV-08",
            'tiny: the stream had an error in it: {"error": {"message": "EngineCore died", "code": 500}}',
        ),
        (
            "open",
            "SRV-09",
            "tiny: without a key status 200, with a wrong one status 200, /invocations status 404",
        ),
        (
            "beside",
            "SRV-09",
            "tiny: without a key status 401, with a wrong one status 401, /invocations status 200",
        ),
        ("renamed", "SRV-10", f"tiny: 11/12 names, without {METRICS[-1]}"),
    ],
)
def test_a_fault_is_said_by_its_own_check_alone(engine: Engine, fault: str, check: str, text: str) -> None:
    engine.faults.add(fault)

    found = said(asked())

    assert found[check] == (Status.FAIL, text)
    assert {each for each, (status, _) in found.items() if status is not Status.PASS} == {check}


def test_a_stream_that_does_not_end_is_none(engine: Engine) -> None:
    engine.faults.add("endless")

    status, text = said(asked())["SRV-08"]

    assert status is Status.FAIL
    assert text.endswith(", and no end")


def test_a_model_that_is_ill_fails_once_and_is_not_asked_further(engine: Engine) -> None:
    engine.faults.add("ill")

    found = said(asked())

    assert found["SRV-04"] == (Status.FAIL, "tiny at 127.0.0.1: status 503")
    assert {found[check][0] for check in ("SRV-08", "SRV-09", "SRV-10")} == {Status.UNAVAILABLE}


@pytest.mark.parametrize(
    ("hands", "why"),
    [
        (Hands(address=None), "tiny: its Service has no address (LB-04)"),
        (Hands(key=None), "tiny: its key could not be read"),
    ],
)
def test_a_model_that_was_not_asked_passes_nothing(hands: Hands, why: str) -> None:
    assert set(said(asked(hands)).values()) == {(Status.UNAVAILABLE, why)}


@pytest.mark.parametrize(
    "exposed",
    [{"expose": "cluster"}, {"expose": "gateway", "gateway": {"name": "front", "namespace": "gateways"}}],
)
def test_a_model_that_nothing_here_exposes_is_asked_from_its_pods_node(
    engine: Engine, exposed: dict[str, Any]
) -> None:
    hands = Hands()

    found = said(asked(hands, **exposed))

    assert {status for status, _ in found.values()} == {Status.PASS}
    assert found["SRV-04"][1] == "tiny at 127.0.0.1 from w1 (dummy weights, cpu): 16 tokens"
    assert re.fullmatch(r"tiny: first token after \d\.\d\d s, 3 pieces in \d\.\d\d s", found["SRV-08"][1])
    assert found["SRV-09"][1] == REFUSED
    assert found["SRV-10"][1] == "tiny: 12/12 names"
    assert {host for host, _ in hands.ran} == {"w1"}
    assert KEY not in repr((hands.ran, found))


@pytest.mark.parametrize("fault", ["misnamed", "mute", "empty", "broken", "open", "beside", "renamed"])
def test_a_fault_is_said_from_a_node_as_it_is_from_here(engine: Engine, fault: str) -> None:
    engine.faults.add(fault)

    here = said(asked())
    there = said(asked(expose="cluster"))

    failed = [check for check, (status, _) in here.items() if status is Status.FAIL]
    assert [check for check, (status, _) in there.items() if status is Status.FAIL] == failed
    [check] = failed
    assert there[check][1].replace(" from w1", "") == here[check][1]


def test_a_stream_from_a_node_that_does_not_end_is_none(engine: Engine) -> None:
    engine.faults.add("endless")

    assert said(asked(expose="cluster"))["SRV-08"][1].endswith(", and no end")


def test_a_model_that_nobody_answers_for_is_said_in_curls_words(engine: Engine) -> None:
    engine.shutdown()
    engine.server_close()

    status, text = said(asked(expose="cluster"))["SRV-04"]

    assert status is Status.FAIL
    assert text.startswith("tiny at 127.0.0.1 from w1: curl: (7) Failed to connect to 127.0.0.1 port ")


def test_a_pod_is_asked_itself_where_the_service_may_lead_to_another_node(engine: Engine) -> None:
    found = said(asked(Hands(pods=["w2", "w1", "w0 False"]), expose="cluster"))

    assert found["SRV-04"][1] == "tiny at 127.0.0.2 from w1 (dummy weights, cpu): 16 tokens"


def test_a_model_without_a_ready_pod_passes_nothing(engine: Engine) -> None:
    found = said(asked(Hands(pods=["w1 False"]), expose="cluster"))

    why = "tiny: no pod of it is ready on a node that is reached (SRV-07)"
    assert set(found.values()) == {(Status.UNAVAILABLE, why)}


def test_models_are_judged_together_wherever_each_is_asked_from(engine: Engine) -> None:
    engine.faults.add("misnamed")

    status, text = said(asked(None, {"name": "inner", "expose": "cluster"}))["SRV-04"]

    assert (status, text) == (
        Status.FAIL,
        "tiny at 127.0.0.1: lists other; inner at 127.0.0.1 from w1: lists other",
    )


def test_behind_a_jump_host_a_model_is_asked_from_its_pods_node(engine: Engine) -> None:
    models = [MODEL]
    wanted = {**CLUSTER.model_dump(mode="json", exclude_none=True), "models": models}
    wanted["ssh"] = {"jump": "ops@192.168.1.1"}
    kubectl = Kubectl(Hands(), "cp1", "/etc/kubernetes/admin.conf")

    found = said(ServingProbe(Cluster.model_validate(wanted), kubectl, lambda text: None).findings())

    assert found["SRV-04"] == (Status.PASS, "tiny at 127.0.0.1 from w1 (dummy weights, cpu): 16 tokens")


def test_the_key_is_in_no_finding(engine: Engine) -> None:
    for fault in ("", "open", "misnamed", "ill"):
        engine.faults = {fault}
        assert KEY not in repr(asked())
    assert KEY not in repr(Endpoint("10.0.0.1", 80, KEY))
    assert KEY not in repr(Inside(Hands(key=None), "w1", "10.0.0.1", 80, KEY))
