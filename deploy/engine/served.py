"""Where a model is served and with which key, as the cluster itself says it."""

from __future__ import annotations

import base64
import json
import shlex
from dataclasses import dataclass, field
from typing import Any

from deploy.engine import speaker
from deploy.engine.session import Session
from deploy.errors import RunError

NAMESPACE = "models"
SECRETS = "slipway-system"
KEY = "api-key"


@dataclass(frozen=True, slots=True)
class Served:
    """A model's address, and its key if it has one; the key is in no text of this object."""

    url: str
    key: str | None = field(repr=False)


def served(session: Session, workload: str) -> Served:
    """Return where a model answers from outside of the cluster; its Service and its Secret are named alike.

    Raises RunError when it has no such address, UnreachableError when no control plane answers.
    """
    host = speaking(session)
    service = _got(session, host, "service", NAMESPACE, workload)
    if service is None:
        missing = f"{session.cluster.name} has no Service {NAMESPACE}/{workload}: the model is not served"
        raise RunError(f"{missing}; slipway apply {session.inventory}")
    return Served(address(service), key_of(session, host, workload))


def speaking(session: Session) -> str:
    """Return a control plane that answers for the cluster; raises when there is none."""
    host = speaker.awaited(session)
    if host is None:
        if not session.hosts:
            raise session.speechless()
        raise RunError(f"no control plane of {session.cluster.name} answers; slipway verify says why")
    return host


def key_of(session: Session, host: str, workload: str) -> str | None:
    """Return the key of a model, read on a control plane; None when it has none."""
    return api_key(_got(session, host, "secret", SECRETS, workload))


def _got(session: Session, host: str, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
    """Return an object, None when there is none. Its text stays in memory: it may be a secret."""
    words = f"--namespace {namespace} get {kind} {shlex.quote(name)} --output json --ignore-not-found"
    ran = session.run(host, f"{speaker.KUBECTL} {words}", timeout=30)
    if not ran.ok:
        raise RunError(f"{host}: {kind} {namespace}/{name} could not be read: {ran.err.strip()}")
    return dict(json.loads(ran.out)) if ran.out.strip() else None


def address(service: dict[str, Any]) -> str:
    """Return the address that the load balancer gave a Service. Raises RunError when there is none."""
    name, spec = service["metadata"]["name"], service["spec"]
    port = spec["ports"][0]["port"]
    if spec.get("type") != "LoadBalancer":
        raise RunError(
            f"{name} answers inside of the cluster only: its Service is a {spec.get('type')}. Set `expose: "
            "load-balancer`, or forward a port, and use --url http://127.0.0.1:8000 and --key-env:\n"
            f"    kubectl --namespace {NAMESPACE} port-forward service/{name} 8000:{port}"
        )
    given = service.get("status", {}).get("loadBalancer", {}).get("ingress") or []
    host = next((each.get("ip") or each.get("hostname") for each in given), None)
    if not host:
        raise RunError(f"the load balancer has given {name} no address; slipway verify says why")
    return f"http://{host}:{port}"


def api_key(secret: dict[str, Any] | None) -> str | None:
    """Return the key that a Secret holds; None when there is no Secret, as a model may be open to all."""
    if secret is None:
        return None
    kept = (secret.get("data") or {}).get(KEY)
    if kept is None:
        raise RunError(
            f"Secret {SECRETS}/{secret['metadata']['name']} has no key `{KEY}`; slipway apply mends it"
        )
    return base64.b64decode(kept).decode()
