"""The models that a lab's cluster serves: where each answers, and what reads its key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.lab.hosts import KUBECTL
from deploy.lab.lab import Lab
from deploy.lab.layout import command

NAMESPACE = "models"
LABEL = "slipway.dev/model"


@dataclass(frozen=True, slots=True)
class Served:
    """A model with an address; `key` is a command that prints its key."""

    model: str
    address: str
    key: str


def served(lab: Lab, node: str) -> list[Served]:
    """Return the models that have an address, as a control plane knows them."""
    asked = [f"--namespace={NAMESPACE}", "get", "services", f"--selector={LABEL}", "--output=json"]
    return [*found(lab.name, node, json.loads(lab.exec(node, [*KUBECTL, *asked]).stdout))]


def found(lab: str, node: str, services: Mapping[str, Any]) -> Iterator[Served]:
    """Yield the models among Services; one that only pods reach is none that could be asked."""
    for service in services["items"]:
        model, secret = service["metadata"]["labels"][LABEL], service["metadata"]["name"]
        if addresses := service["status"].get("loadBalancer", {}).get("ingress", []):
            yield Served(model, addresses[0]["ip"], _key(lab, node, secret))


def _key(lab: str, node: str, secret: str) -> str:
    kubectl = " ".join(["kubectl", *KUBECTL[1:]])
    read = f"{kubectl} -n {NAMESPACE} get secret {secret} -o jsonpath={{.data.api-key}}"
    return f"{command('exec', lab)} {node} -- {read} | base64 -d"
