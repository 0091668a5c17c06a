"""What tests of models share: their inventory, `kubectl`, and asking a model as its users do."""

from __future__ import annotations

import base64
import copy
import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from checks.acceptance.asking import Endpoint
from deploy.lab import Lab
from deploy.lab.progress import Progress
from deploy.lab.run import podman
from deploy.lab.workshop import Workshop
from deploy.model.api_server import ADMIN
from tests.lab.site import COUNTED, ROOT, Site, site

INVENTORIES = ROOT / "inventories"
# seconds for an apply that brings up a model, on two cores
PATIENCE = 1500.0
# seconds until a model answers whose pod begins anew
ANEW = 300.0
SERVER = "app.kubernetes.io/component=server,slipway.dev/model={}"
POPULATE = "app.kubernetes.io/component=populate,slipway.dev/model={}"
# as files/serving/populate.sh has it
DIGEST = (
    "find . -type f ! -name '.slipway*' | LC_ALL=C sort | tr '\\n' '\\0' | xargs -0 sha256sum | sha256sum"
    " | cut -d ' ' -f 1"
)
Findings = Mapping[tuple[str, str | None], dict[str, Any]]


def with_models(
    lab: Lab, name: str, directory: Path, nodes: Iterable[tuple[str, str, str]], like: str
) -> Site:
    """Return a cluster as an inventory with models has it, its models from this lab's registry."""
    made = site(lab, name, directory, nodes, like=like)
    declared = yaml.safe_load((INVENTORIES / f"{like}.yaml").read_text())["nodes"]
    made.data["nodes"] = [one | here for one, here in zip(declared, made.data["nodes"], strict=True)]
    for vendor in made.data.get("gpu", {}).values():
        vendor["manifest"] = str((INVENTORIES / vendor["manifest"]).resolve())
    made.data["registry"]["hostname"] = f"registry.{name}.test"
    host = lab.layout.registry.removeprefix("http://")
    for model in made.data["models"]:
        _, _, path = model["source"]["modelkit"].partition("/")
        model["source"]["modelkit"] = f"{host}/{path}"
    lab.write_lock(made.write())
    return made


def kubectl(site: Site, *words: str, stdin: str | None = None, check: bool = True) -> str:
    """Run kubectl on the first host; return what it printed."""
    k3s = site.data["kubernetes"].get("distribution") == "k3s"
    config = [] if k3s else ["--kubeconfig=/etc/kubernetes/admin.conf"]
    script = shlex.join(["kubectl", *config, *words])
    return str(site.lab.exec("n1", ["sh", "-c", script], stdin=stdin, check=check).stdout).strip()


def got(site: Site, *words: str) -> Any:
    """Return objects as the API has them."""
    return json.loads(kubectl(site, "get", *words, "-o", "json"))


def value(site: Site, namespace: str, name: str, key: str) -> str:
    """Return one value of a Secret."""
    found = got(site, "--namespace", namespace, "secret", name)
    return base64.b64decode(found["data"][key]).decode()


def address(site: Site, model: str) -> str:
    """Return the address that the load balancer gave a model."""
    found = got(site, "--namespace=models", "service", f"model-{model}")
    return str(found["status"]["loadBalancer"]["ingress"][0]["ip"])


def endpoint(site: Site, model: str = "tiny") -> Endpoint:
    """Return where a model is asked from outside, with its key."""
    key = value(site, "models", f"model-{model}", "api-key")
    return Endpoint(address(site, model), 80, key)


def tokens(asked: Endpoint, model: str = "tiny") -> int:
    """Return how many tokens a completion has; 0 when there is no answer."""
    body = {"model": model, "prompt": "Hello", "max_tokens": 8, "temperature": 0, "ignore_eos": True}
    answer = asked.post("/v1/completions", body)
    usage = answer.data().get("usage") or {}
    return int(usage.get("completion_tokens") or 0) if answer.status == 200 else 0


def pods(site: Site, selector: str) -> list[str]:
    """Return the identities of pods of models."""
    items = got(site, "--namespace=models", "pods", f"--selector={selector}")["items"]
    return sorted(each["metadata"]["uid"] for each in items)


def servers(site: Site, model: str = "tiny") -> list[dict[str, Any]]:
    """Return a model's pods, without those that are over: an evicted one stays listed."""
    over = "--field-selector=status.phase!=Failed,status.phase!=Succeeded"
    found = got(site, "--namespace=models", "pods", f"--selector={SERVER.format(model)}", over)
    return list(found["items"])


def stored(site: Site, made: str, prefix: str, *after: str) -> str:
    """Put files, made in an empty folder, into the store as README.md says; return what was printed."""
    blocks = (ROOT / "README.md").read_text().split("```")
    [recipe] = [block.strip() for block in blocks if "rclone copy" in block]
    rclone = Workshop(Progress()).binary("rclone/rclone", "v1.36.3")
    podman("cp", str(rclone), f"{site.lab.layout.container('n1')}:/usr/local/bin/rclone")
    k3s = site.data["kubernetes"].get("distribution") == "k3s"
    script = [
        "trap 'kill %1' EXIT",
        "" if k3s else f"export KUBECONFIG={ADMIN}",
        f"cd $(mktemp -d) && ( {made} )",
        recipe.replace("FOLDER", ".").replace("models/qwen/", f"models/{prefix}/"),
        *after,
    ]
    said = site.lab.exec("n1", ["bash", "-ec", "\n".join(script)])
    return str(said.stdout)


def settled(site: Site, model: str = "tiny") -> bool:
    """Say whether a model has one pod, which is ready and to stay, and completes a text."""
    items = servers(site, model)
    conditions = [each for item in items for each in item["status"].get("conditions", ())]
    ready = [each["status"] for each in conditions if each["type"] == "Ready"]
    stays = not any("deletionTimestamp" in each["metadata"] for each in items)
    return len(items) == 1 and stays and ready == ["True"] and tokens(endpoint(site, model), model) == 8


def findings(site: Site, code: int = 0) -> Findings:
    """Return what a verify found, by check and host."""
    found = json.loads(site.ok("verify", "-o", "json", code=code, timeout=600))["findings"]
    return {(each["check"], each["host"]): each for each in found}


def broken(found: Findings) -> dict[tuple[str, str | None], str]:
    """Return what failed or could not be judged, but for advice, what is accepted, and a busy machine."""
    return {
        key: each["found"]
        for key, each in found.items()
        if each["status"] in ("fail", "unavailable")
        and each["severity"] != "info"
        and each["ignored"] is None
        and (each["check"], each["status"]) not in COUNTED
    }


@contextmanager
def changed(site: Site, **values: Any) -> Iterator[None]:
    """Declare the first model otherwise for a while."""
    kept = copy.deepcopy(site.data["models"])
    site.data["models"][0] |= values
    site.write()
    try:
        yield
    finally:
        site.data["models"] = kept
        site.write()
