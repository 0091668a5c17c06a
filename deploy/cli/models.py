"""How the models that were served are asked: where each is, and what reads its key on a control plane."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.cli.question import question
from deploy.engine.link import Ran
from deploy.engine.session import Session
from deploy.engine.speaker import KUBECTL
from deploy.errors import SlipwayError
from deploy.model import Cluster, Node, paths
from deploy.model.serving import Gateway, Model, ModelExposure
from deploy.observe.balanced import address_of
from deploy.serving import names
from deploy.serving.front import HTTP, Front, front

FORWARDED = "127.0.0.1:8000"
SERVICES = f"--namespace {names.NAMESPACE} get services"
# Gateways, and what has their addresses
FRONTS = "get gateways.gateway.networking.k8s.io,services --all-namespaces"


def usage(session: Session) -> list[str]:
    """Return the lines that a person may paste, by model; nothing where nothing is served or can be asked."""
    cluster = session.cluster
    speaker = next((node for node in cluster.control_planes if node.name in session.hosts), None)
    if not cluster.models or speaker is None:
        return []
    try:
        found = _items(session, speaker.name, SERVICES)
        found += (
            _items(session, speaker.name, FRONTS) if any(model.gateway for model in cluster.models) else []
        )
    except (SlipwayError, ValueError, KeyError):
        return []
    return [line for model in cluster.models for line in lines(cluster, speaker, model, found)]


def _items(session: Session, speaker: str, words: str) -> list[dict[str, Any]]:
    ran = _read(session, speaker, words)
    return list(json.loads(ran.out)["items"]) if ran.ok else []


def _read(session: Session, speaker: str, words: str) -> Ran:
    return session.run(speaker, f"{KUBECTL} {words} -o json", timeout=15.0)


def lines(cluster: Cluster, speaker: Node, model: Model, found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield how to ask one model; `found` are Services and Gateways."""
    address, name = _address(model, found)
    if address is not None:
        note = "dummy weights: what it says means nothing" if model.is_random else ""
        head, *asked = question(model.name, address, _key(cluster, speaker, model), note, name)
        yield from (head, *([_forward(model)] if address == FORWARDED else []), *asked)


def _forward(model: Model) -> str:
    """Return what leads to a model that nothing exposes, for a kubectl with `slipway kubeconfig`."""
    _, _, port = FORWARDED.partition(":")
    service = f"service/{names.workload(model)}"
    line = f"kubectl --namespace {names.NAMESPACE} port-forward {service} {port}:{names.SERVICE_PORT}"
    return f"  {line}  # in another terminal, as long as it is asked"


def _address(model: Model, found: Sequence[Mapping[str, Any]]) -> tuple[str | None, str | None]:
    """Return where a model is asked, and as which host where that is not told by the address."""
    if model.gateway is not None:
        there = _front(model.gateway, found)
        if isinstance(there, str):
            return model.gateway.hostname or FORWARDED, None
        return there.address if there.port == HTTP else f"{there.address}:{there.port}", there.name
    if model.expose is not ModelExposure.LOAD_BALANCER:
        return FORWARDED, None
    service = _named(found, "Service", names.NAMESPACE, names.workload(model))
    return address_of(service), None


def reached(session: Session, speaker: str, gateway: Gateway) -> Front | str:
    """Return where a Gateway is asked, or why nobody can tell; read on a control plane."""
    ran = _read(session, speaker, FRONTS)
    if not ran.ok:
        return f"could not be read: {ran.err.strip()}"
    return _front(gateway, json.loads(ran.out)["items"])


def _front(gateway: Gateway, found: Sequence[Mapping[str, Any]]) -> Front | str:
    live = _named(found, "Gateway", gateway.namespace, gateway.name)
    return front(gateway, live, [each for each in found if each["kind"] == "Service"])


def _named(found: Sequence[Mapping[str, Any]], *wanted: str) -> Mapping[str, Any]:
    """Return the object of a kind, a namespace and a name; empty when there is none."""
    keys = (
        (each, (each["kind"], *(each["metadata"].get(k) for k in ("namespace", "name")))) for each in found
    )
    return next((each for each, key in keys if key == wanted), {})


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
