"""The models that a lab's cluster serves: where each answers, and a line that asks it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.lab.hosts import KUBECTL
from deploy.lab.lab import Lab
from deploy.lab.layout import command

NAMESPACE = "models"
LABEL = "slipway.dev/model"


def text(lab: Lab, node: str) -> str:
    """Return what an operator is told about the models; nothing where there are none."""
    asked = [f"--namespace={NAMESPACE}", "get", "services", f"--selector={LABEL}", "--output=json"]
    return "\n".join(lines(lab.name, node, json.loads(lab.exec(node, [*KUBECTL, *asked]).stdout)))


def lines(lab: str, node: str, services: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each model that has an address; it reads the key when it is run, and says none."""
    for service in services["items"]:
        model, secret = service["metadata"]["labels"][LABEL], service["metadata"]["name"]
        addresses = service["status"].get("loadBalancer", {}).get("ingress", [])
        if addresses:
            asked = json.dumps({"model": model, "prompt": "Hello", "max_tokens": 16})
            header = f"{_key(lab, node, secret)} | sed 's/^/Authorization: Bearer /'"
            content = f"-H 'Content-Type: application/json' -d '{asked}'"
            yield f"{header} | curl -s -H @- http://{addresses[0]['ip']}/v1/completions {content}"


def _key(lab: str, node: str, secret: str) -> str:
    kubectl = " ".join(["kubectl", *KUBECTL[1:]])
    found = f"{kubectl} -n {NAMESPACE} get secret {secret} -o jsonpath={{.data.api-key}}"
    return f"{command('exec', lab)} {node} -- {found} | base64 -d"
