"""An active verify of the registry: 100 MB there and back on one node, and a pull by every node's runtime.

The password goes from its Secret to the standard input of a script on a node, and into a Secret of the
probe's own namespace, which is removed again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from checks.acceptance import probe
from checks.acceptance import registry_verdicts as verdicts
from checks.acceptance.gates import NOTICED, Gate, Tell, wait
from checks.acceptance.hands import Hands, Kubectl
from checks.acceptance.registry_image import image
from checks.acceptance.registry_script import Door, credentials, parse, script
from checks.cluster.snapshot import OWNED
from checks.finding import Finding, Status
from checks.say import unread
from deploy.errors import UnreachableError

# what a pod says once it has its image, in which there is no program that could run
PAST = ("CreateContainerError", "RunContainerError", "StartError", "ContainerCannotRun", "CrashLoopBackOff")
ONCE = (verdicts.LIMIT, verdicts.WHOLE, verdicts.REFUSES)
LOGIN = "/api/v1/namespaces/slipway-system/secrets/registry"
PULLED = Gate("every node to pull from the registry", NOTICED, every=0.5)
SCRIPT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class RegistryProbe:
    """One active verify of a registry; `nodes` are those that can be used, each with its architecture."""

    door: Door
    run: str
    nodes: Mapping[str, str]
    kubectl: Kubectl
    hands: Hands
    tell: Tell

    @property
    def where(self) -> str:
        """The namespace."""
        return f"{probe.namespace(self.run)}-registry"

    def findings(self) -> list[Finding]:
        """Push, pull, judge, and let every node pull what was pushed."""
        login = self._login()
        if login is None:
            return self._unproven("the Secret slipway-system/registry has no username and password")
        found = self._transferred(*login)
        whole = next(each for each in found if each.check == verdicts.WHOLE)
        if whole.status is not Status.PASS:
            why = f"nothing could be pushed that a node could pull ({verdicts.WHOLE})"
            return [*found, *(unread(verdicts.PULLS, name, why) for name in self.nodes)]
        with self._there(*login) as refused:
            if refused is not None:
                return [*found, *(unread(verdicts.PULLS, name, refused) for name in self.nodes)]
            return [*found, *self._pulled()]

    def _unproven(self, why: str) -> list[Finding]:
        once = [unread(check, None, why) for check in ONCE]
        return [*once, *(unread(verdicts.PULLS, name, why) for name in self.nodes)]

    def _login(self) -> tuple[str, str] | None:
        data = self.kubectl.get(LOGIN).get("data") or {}
        try:
            user, password = (base64.b64decode(data[key]).decode() for key in ("username", "password"))
        except (KeyError, ValueError):
            return None
        return user, password

    def _transferred(self, user: str, password: str) -> list[Finding]:
        node = next(iter(self.nodes))
        images = {architecture: image(architecture) for architecture in set(self.nodes.values())}
        self.tell(f"{verdicts.MEGABYTES} to the registry and back, on {node}")
        try:
            ran = self.hands.run(
                node,
                script(self.door, images),
                stdin=credentials(user, password),
                timeout=SCRIPT_SECONDS,
            )
        except UnreachableError as error:
            return [unread(check, None, str(error)) for check in ONCE]
        return [*verdicts.findings(parse(f"{ran.out}\n{ran.err}"), node, harbor=self.door.harbor)]

    def _pulled(self) -> Iterator[Finding]:
        last: dict[str, str | None] = {}

        def look() -> str | None:
            items = self.kubectl.get(f"/api/v1/namespaces/{self.where}/pods").get("items") or ()
            found = {each["spec"].get("nodeName", ""): unpulled(each) for each in items}
            last.update({name: found.get(name, "no pod yet") for name in self.nodes})
            late = [f"{name}: {why}" for name, why in last.items() if why is not None]
            return "; ".join(late[:3]) or None

        wait(PULLED, look, self.tell)
        yield from verdicts.pulled(last, f"{self.door.hostname}/{self.door.repository}")

    @contextmanager
    def _there(self, user: str, password: str) -> Iterator[str | None]:
        try:
            made = self.kubectl.create(probe.manifest(self.objects(user, password)), self.where)
            yield None if made.rc == 0 else made.err.strip() or f"kubectl create ended with {made.rc}"
        finally:
            self.kubectl.remove_namespace(self.where, self.tell)

    def objects(self, user: str, password: str) -> list[dict[str, Any]]:
        """Return the namespace, the login, and a pod for each node with the image for its architecture."""
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        config = json.dumps({"auths": {self.door.hostname: {"auth": auth}}})
        login = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "login", "namespace": self.where},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": config},
        }
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.where, "labels": OWNED}}
        return [home, login, *(self._pod(name, of) for name, of in self.nodes.items())]

    def _pod(self, node: str, architecture: str) -> dict[str, Any]:
        """Return a pod that only shows whether its image came: there is no program in it."""
        reference = f"{self.door.hostname}/{self.door.repository}:{architecture}"
        spec = {
            **probe.pod([{**probe.container(reference, []), "imagePullPolicy": "Always"}]),
            "nodeName": node,
            "restartPolicy": "Never",
            "imagePullSecrets": [{"name": "login"}],
        }
        metadata = {"name": f"pull-{node}", "namespace": self.where}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def unpulled(pod: Mapping[str, Any]) -> str | None:
    """Say why a pod's image has not come; None when the runtime went on to its program, which it has not."""
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        for state in (container.get("state") or {}).values():
            reason, message = state.get("reason", ""), state.get("message", "")
            return None if reason in PAST else f"{reason}: {message}".strip(": ") or "it starts"
    return str(status.get("message") or status.get("reason") or "nothing is said yet")
