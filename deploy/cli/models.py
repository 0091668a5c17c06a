"""How the models that were served are asked: where each is, and what reads its key on a control plane."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

from deploy.cli.question import question
from deploy.engine.session import Session
from deploy.engine.speaker import KUBECTL
from deploy.errors import SlipwayError
from deploy.model import Cluster, Node, paths
from deploy.model.serving import Model, ModelExposure
from deploy.serving import names

FORWARDED = "127.0.0.1:8000"
SERVICES = f"{KUBECTL} --namespace {names.NAMESPACE} get services -o json"


def usage(session: Session) -> list[str]:
    """Return the lines that a person may paste, by model; nothing where nothing is served or can be asked."""
    cluster = session.cluster
    speaker = next((node for node in cluster.control_planes if node.name in session.hosts), None)
    if not cluster.models or speaker is None:
        return []
    try:
        ran = session.run(speaker.name, SERVICES, timeout=15.0)
        services = json.loads(ran.out)["items"] if ran.rc == 0 else []
    except (SlipwayError, ValueError, KeyError):
        return []
    at = {each["metadata"]["name"]: each for each in services}
    return [line for model in cluster.models for line in lines(cluster, speaker, model, at)]


def lines(cluster: Cluster, speaker: Node, model: Model, services: dict[str, Any]) -> Iterator[str]:
    """Yield how to ask one model."""
    address = _address(model, services.get(names.workload(model), {}))
    if address is not None:
        note = "dummy weights: what it says means nothing" if model.is_random else ""
        head, *asked = question(model.name, address, _key(cluster, speaker, model), note)
        yield from (head, *([_forward(model)] if address == FORWARDED else []), *asked)


def _forward(model: Model) -> str:
    """Return what leads to a model that nothing exposes, for a kubectl with `slipway kubeconfig`."""
    _, _, port = FORWARDED.partition(":")
    service = f"service/{names.workload(model)}"
    line = f"kubectl --namespace {names.NAMESPACE} port-forward {service} {port}:{names.SERVICE_PORT}"
    return f"  {line}  # in another terminal, as long as it is asked"


def _address(model: Model, service: dict[str, Any]) -> str | None:
    if model.expose is not ModelExposure.LOAD_BALANCER:
        return (model.gateway.hostname if model.gateway else None) or FORWARDED
    ingress = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or ()
    return next((str(each["ip"]) for each in ingress if each.get("ip")), None)


def _key(cluster: Cluster, speaker: Node, model: Model) -> str:
    """Return the command that reads a model's key on a control plane, which has what it takes."""
    ssh = cluster.ssh_of(speaker)
    options = ["-o", f"UserKnownHostsFile={paths.known_hosts(cluster.name)}"]
    options += ["-p", str(ssh.port)] if ssh.port != 22 else []
    options += ["-i", str(ssh.key)] if ssh.key else []
    options += ["-J", ssh.jump] if ssh.jump else []
    read = f"{KUBECTL} --namespace {names.NAMESPACE} get secret {names.workload(model)}"
    as_root = "" if ssh.user == "root" or not ssh.become else "sudo -n "
    remote = f"{as_root}{read} -o jsonpath='{{.data.{names.API_KEY}}}' | base64 -d"
    return shlex.join(["ssh", *options, f"{ssh.user}@{speaker.address}", remote])
