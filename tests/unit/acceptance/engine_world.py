"""A model that answers as vLLM does, and hosts that know where it is; what a verify says of it."""

from __future__ import annotations

import base64
import json
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any

from clusters import CLUSTER
from typing_extensions import override

from checks.acceptance.hands import Kubectl
from checks.acceptance.serving import METRICS, ServingProbe
from checks.finding import Finding, Status
from deploy.model import Cluster

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
        self.asked_as: set[str | None] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Engine

    @override
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked_as.add(self.headers["Host"])
        if self.path == "/health":
            self._say(503 if "ill" in self.server.faults else 200, "")
        elif self.path == "/metrics":
            names = METRICS[:-1] if "renamed" in self.server.faults else METRICS
            self._say(200, "".join(f'# HELP {name} x\n{name}{{model_name="tiny"}} 1\n' for name in names))
        elif self._admitted():
            name = "other" if "misnamed" in self.server.faults else "tiny"
            self._say(200, json.dumps({"data": [{"id": name}]}))

    def do_POST(self) -> None:
        self.server.asked_as.add(self.headers["Host"])
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/invocations":
            self._say(200 if "beside" in self.server.faults else 404, "{}")
            return
        if not self._admitted():
            return
        if "messages" in body and "base" in self.server.faults:
            self._say(400, '{"error": {"message": "you must provide a chat template"}}')
        elif body.get("stream"):
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
    """Hosts whose kubectl knows the model's Service, its pods and its key; other commands are run.

    `lists` are further lists of the API by their paths.
    """

    def __init__(
        self,
        address: str | None = "127.0.0.1",
        key: str | None = KEY,
        pods: Any = ("w1",),
        lists: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.address, self.key, self.pods, self.lists = address, key, pods, lists
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
        if (path := shlex.split(command)[-1]) in self.lists:
            return Said(0, json.dumps({"items": self.lists[path]}))
        ingress = [{"ip": self.address}] if self.address else []
        status = {"loadBalancer": {"ingress": ingress}}
        return Said(0, json.dumps({"spec": {"clusterIP": self.address}, "status": status}))

    def _pod(self, node: str, ready: str = "True") -> dict[str, Any]:
        conditions = [{"type": "Ready", "status": ready}]
        return {"spec": {"nodeName": node}, "status": {"podIP": "127.0.0.2", "conditions": conditions}}

    def _encoded(self) -> str:
        return base64.b64encode(str(self.key).encode()).decode()


def asked(hands: Hands | None = None, *others: dict[str, Any], **changes: Any) -> list[Finding]:
    models = [{**MODEL, **changes}, *({**MODEL, **other} for other in others)]
    wanted = {**CLUSTER.model_dump(mode="json", exclude_none=True), "models": models}
    kubectl = Kubectl(hands or Hands(), "cp1", "/etc/kubernetes/admin.conf")
    return ServingProbe(Cluster.model_validate(wanted), kubectl, lambda text: None).findings()


def said(findings: list[Finding]) -> dict[str, tuple[Status, str]]:
    return {each.check: (each.status, each.found) for each in findings}
