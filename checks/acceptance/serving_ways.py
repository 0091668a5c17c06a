"""Where each model is asked: as its users do where that can be done from here, else past what exposes it."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from checks.acceptance.asking import Asked, Endpoint
from checks.acceptance.asking_inside import Inside
from checks.acceptance.hands import Kubectl
from checks.cluster.gateways import untaken
from checks.cluster.snapshot import GATEWAY_PATHS, condition
from deploy.errors import SlipwayError
from deploy.model import Cluster
from deploy.model.serving import Gateway, Model, ModelExposure
from deploy.observe.balanced import address_of
from deploy.serving import names
from deploy.serving.front import Front, front

HOME = f"/api/v1/namespaces/{names.NAMESPACE}"
SERVICES = "/api/v1/services"
# what tells where a Gateway is asked, and whether that leads to a model
ROUTED = {
    "gateways": GATEWAY_PATHS["gateways"],
    "httproutes": GATEWAY_PATHS["httproutes"],
    "services": SERVICES,
}


@dataclass(frozen=True, slots=True)
class Way:
    """Where a model is asked; `past` is what to say of its Gateway behind that."""

    asked: Asked
    past: str = ""


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to the models of a cluster; behind a jump host all of them begin on a node."""

    cluster: Cluster
    kubectl: Kubectl

    def to(self, model: Model) -> Way | str:
        """Return the way to a model, or why there is none."""
        service = self.kubectl.get(f"{HOME}/services/{names.workload(model)}")
        key = self._key(model)
        if key is None:
            return "its key could not be read"
        if model.gateway is not None:
            return self._through(model, model.gateway, service, key)
        if model.expose is not ModelExposure.LOAD_BALANCER or self.cluster.ssh.jump is not None:
            return self._inside(model, service, key)
        given = address_of(service)
        return (
            Way(Endpoint(given, names.SERVICE_PORT, key)) if given else "its Service has no address (LB-04)"
        )

    def _through(self, model: Model, wanted: Gateway, service: Mapping[str, Any], key: str) -> Way | str:
        """Return the way through a model's Gateway; to its Service where the Gateway does not lead to it."""
        found = self._front(model, wanted)
        if isinstance(found, str):
            return self._inside(model, service, key, f", not through its Gateway, {found}")
        past = f", through Gateway {wanted.namespace}/{wanted.name}"
        if self.cluster.ssh.jump is None:
            return Way(Endpoint(found.address, found.port, key, found.name), past)
        hands = self.kubectl.hands
        return Way(Inside(hands, self.kubectl.host, found.address, found.port, key, found.name), past)

    def _front(self, model: Model, wanted: Gateway) -> Front | str:
        lists = {kind: self.kubectl.raw(path).items() for kind, path in ROUTED.items()}
        unread = [kind for kind, items in lists.items() if items is None]
        if unread:
            return f"since {' and '.join(unread)} could not be read"
        gateways, routes, services = (lists[kind] or () for kind in ROUTED)
        if any(untaken(model, gateways, routes)):
            return "which does not lead to it (GW-03)"
        [live] = [each for each in gateways if _is(each, wanted)]
        found = front(wanted, live, services)
        return f"which {found}" if isinstance(found, str) else found

    def _inside(self, model: Model, service: Mapping[str, Any], key: str, past: str = "") -> Way | str:
        """Return a node with a pod of the model, which no NetworkPolicy keeps from it, and what it asks.

        Where the Service may lead to a pod of another node, which a policy may hide, the pod itself is asked.
        """
        address = str((service.get("spec") or {}).get("clusterIP") or "")
        if not address:
            return "its Service has no address (SRV-07)"
        wanted = ",".join(f"{name}={value}" for name, value in names.selector(model, "server").items())
        pods = self.kubectl.get(f"{HOME}/pods?labelSelector={quote(wanted)}").get("items") or ()
        ready = {
            str(pod["spec"]["nodeName"]): str(pod["status"]["podIP"])
            for pod in pods
            if (condition(pod, "Ready") or {}).get("status") == "True"
        }
        hands = self.kubectl.hands
        node = next((name for name in sorted(ready) if name not in hands.unreachable), None)
        if node is None:
            return "no pod of it is ready on a node that is reached (SRV-07)"
        if len(ready) > 1:
            return Way(Inside(hands, node, ready[node], names.PORT, key), past)
        return Way(Inside(hands, node, address, names.SERVICE_PORT, key), past)

    def _key(self, model: Model) -> str | None:
        """Read the key out of its Secret, on the control plane; it goes nowhere but into requests."""
        path = shlex.quote(f"jsonpath={{.data.{names.API_KEY}}}")
        words = f"--namespace {names.NAMESPACE} get secret {names.workload(model)} -o {path}"
        try:
            ran = self.kubectl(words)
            return base64.b64decode(ran.out.strip(), validate=True).decode() if ran.rc == 0 else None
        except (SlipwayError, binascii.Error, UnicodeDecodeError):
            return None


def _is(live: Mapping[str, Any], wanted: Gateway) -> bool:
    metadata = live["metadata"]
    return (metadata["namespace"], metadata["name"]) == (wanted.namespace, wanted.name)
