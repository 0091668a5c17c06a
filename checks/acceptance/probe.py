"""What an active verify puts into the cluster, and the questions that its pods ask: pure.

The pods are Kubernetes' own agnhost: its `netexec` answers over HTTP (8080) and UDP (8081), and asks others
on behalf of whoever calls its /dial (test/images/agnhost/netexec of kubernetes/kubernetes).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from checks.cluster.snapshot import OWNED

NAME = "probe"
HTTP, UDP = 8080, 8081
LABELS = {"app": NAME}
USER = 65534  # nobody
PATIENCE = 4  # seconds for one question; an answer takes milliseconds
SERVICE_TRIES = 8  # so that a Service of two pods shows both 99 times of 100


def namespace(run: str) -> str:
    """Return the name of a run's namespace; a run's id is lower case there."""
    return f"slipway-verify-{run.lower()}"


def objects(run: str, image: str, *, balanced: bool) -> list[dict[str, Any]]:
    """Return a namespace, a pod per node whatever its taints are, and a Service in front of them."""
    where = namespace(run)
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": where, "labels": OWNED}},
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": NAME, "namespace": where},
            "spec": {
                "selector": {"matchLabels": LABELS},
                "template": {"metadata": {"labels": LABELS}, "spec": pod([always_pulled(image)])},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": NAME, "namespace": where, "labels": OWNED},
            "spec": {
                "type": "LoadBalancer" if balanced else "NodePort",
                "selector": LABELS,
                "ports": [{"port": 80, "targetPort": HTTP}],
            },
        },
    ]


def pod(containers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all pods of a verify are: unprivileged, gone at once, and at home on every node."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "tolerations": [{"operator": "Exists"}],
        "containers": [*containers],
    }


def always_pulled(image: str) -> dict[str, Any]:
    """Return a container that answers; a node that has its image already must ask the mirror, too."""
    return {**answering(image), "imagePullPolicy": "Always"}


def answering(image: str) -> dict[str, Any]:
    """Return a container that answers over HTTP and UDP."""
    return {
        **container(image, ["netexec", f"--http-port={HTTP}", f"--udp-port={UDP}"]),
        "ports": [{"containerPort": HTTP}, {"containerPort": UDP, "protocol": "UDP"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": HTTP}, "periodSeconds": 1},
    }


def container(image: str, args: Sequence[str]) -> dict[str, Any]:
    """Return a container of agnhost that asks for no privilege."""
    return {
        "name": NAME,
        "image": image,
        "args": [*args],
        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def manifest(items: Iterable[Mapping[str, Any]]) -> str:
    """Return objects as one document for kubectl."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*items]})


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a pod asks somebody."""

    name: str
    host: str
    port: int
    protocol: str = "http"
    tries: int = 1

    @property
    def path(self) -> str:
        """The request to netexec that makes it ask."""
        query = {
            "host": self.host,
            "port": self.port,
            "protocol": self.protocol,
            "request": "hostname",
            "tries": self.tries,
        }
        return f"/dial?{urlencode(query)}"


def script(pod: str, questions: Iterable[Question]) -> str:
    """Return a program for a node that has its own pod ask everything at once.

    It needs bash only. Each answer is one line: the question's name, a tab, what netexec said.
    """
    asked = "\n".join(f"ask {shlex.quote(each.name)} {shlex.quote(each.path)} &" for each in questions)
    return f"exec bash -c {shlex.quote(_SCRIPT.format(pod=pod, port=HTTP, patience=PATIENCE, asked=asked))}"


_SCRIPT = """ask() {{
  said=$(timeout {patience} bash -c '
    exec 3<>/dev/tcp/{pod}/{port} || exit 1
    printf "GET %s HTTP/1.0\\r\\n\\r\\n" "$1" >&3
    sed "1,/^\\r*\\$/d" <&3' _ "$2" 2>&1 | tr '\\n\\t' '  ')
  printf '%s\\t%s\\n' "$1" "$said"
}}
{asked}
wait
"""


@dataclass(frozen=True, slots=True)
class Said:
    """What came back for a question: who answered, and what went wrong."""

    responses: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Say whether there were answers, and nothing but answers."""
        return bool(self.responses) and not self.errors


SILENCE = Said(errors=(f"no answer in {PATIENCE} s",))


def answers(text: str) -> dict[str, Said]:
    """Return what the script printed, by question."""
    return {
        name: _said(rest) for name, tab, rest in (line.partition("\t") for line in text.splitlines()) if tab
    }


def _said(text: str) -> Said:
    text = text.strip()
    if not text:
        return SILENCE
    try:
        data = json.loads(text)
        return Said(tuple(data.get("responses") or ()), tuple(data.get("errors") or ()))
    except (ValueError, AttributeError):
        return Said(errors=(text[:200],))
