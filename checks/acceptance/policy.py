"""A NetworkPolicy is enforced: a pod that answers does not any more once a policy denies it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.acceptance import probe
from checks.acceptance.gates import NOTICED, Gate, Tell, wait
from checks.acceptance.hands import Kubectl
from checks.acceptance.pods import Pod, pod
from checks.acceptance.probe import HTTP, Question, Said
from checks.finding import Finding
from checks.say import judged, skipped, unread
from deploy.model import Cluster, FlannelBackend

CHECK = "K8S-18"
NAME = "shielded"
LABELS = {"app": NAME}
UP = Gate("the pod that a NetworkPolicy denies", 60.0)
ANSWERS = Gate("that pod to answer", NOTICED, every=1.0)
DENIED = Gate("the NetworkPolicy to be enforced", NOTICED, every=1.0)
DAEMONSETS = "/apis/apps/v1/daemonsets"
# what enforces policies, by a word in the name of its DaemonSet; flannel by itself enforces none
# (https://kubernetes.io/docs/concepts/cluster-administration/addons/#networking-and-network-policy)
ENFORCERS = {
    "calico-node": "Calico",
    "canal": "Canal",
    "cilium": "Cilium",
    "antrea-agent": "Antrea",
    "kube-router": "kube-router",
    "kube-network-policies": "kube-network-policies",
}
WANTED = "an answer without the policy, none with it"
Ask = Callable[[Pod, Iterable[Question]], Mapping[str, Said]]
"""(asking pod, questions) -> what came back for each."""


def enforcer(cluster: Cluster, daemonsets: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what enforces NetworkPolicies here; None for nothing."""
    for each in daemonsets:
        for word, title in ENFORCERS.items():
            if word in each["metadata"]["name"]:
                return title
    return "k3s' kube-router" if cluster.is_k3s and cluster.kubernetes.k3s.enforces_policies else None


def objects(where: str, image: str) -> list[dict[str, Any]]:
    """Return the pod, which answers whoever asks."""
    metadata = {"name": NAME, "namespace": where, "labels": LABELS}
    spec = probe.pod([probe.answering(image)])
    return [{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}]


def denial(where: str) -> list[dict[str, Any]]:
    """Return the policy: nobody may speak to that pod."""
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": NAME, "namespace": where},
            "spec": {"podSelector": {"matchLabels": LABELS}, "policyTypes": ["Ingress"]},
        }
    ]


@dataclass(frozen=True, slots=True)
class Shield:
    """One look at enforcement; `up` are the probe's pods by node, the first of them asks."""

    cluster: Cluster
    kubectl: Kubectl
    where: str
    image: str
    up: Mapping[str, Pod]
    ask: Ask
    tell: Tell

    def finding(self) -> Finding:
        """Have a pod answer, deny it, and judge whether it falls silent while another one still answers."""
        answer = self.kubectl.raw(DAEMONSETS)
        daemonsets = answer.items()
        if daemonsets is None:
            return unread(
                CHECK, None, answer.cause if answer.text is None else "the API listed no DaemonSets"
            )
        by = enforcer(self.cluster, daemonsets)
        if by is None:
            return skipped(CHECK, None, f"nothing here enforces NetworkPolicies: {self._network()} does not")
        if not self.up:
            return unread(CHECK, None, "no pod of the probe runs that could ask")
        return self._made(objects(self.where, self.image)) or self._proven(by)

    def _network(self) -> str:
        other = self.cluster.kubernetes.k3s.flannel_backend is FlannelBackend.NONE
        return "a CNI that is not known" if other else "flannel by itself"

    def _proven(self, by: str) -> Finding:
        target: list[Pod] = []

        def ready() -> str | None:
            target[:] = [seen] if (seen := self._seen()) else []
            return target[0].why if target else "its pod could not be read"

        if (cause := wait(UP, ready, self.tell)) is not None:
            return unread(CHECK, None, f"the pod that is to be denied is not ready: {cause}")

        def answers() -> str | None:
            said = self._asked(target[0])[NAME]
            return None if said.good else "; ".join(said.errors) or "no answer"

        if (cause := wait(ANSWERS, answers, self.tell)) is not None:
            return unread(CHECK, None, f"the pod did not answer before it was denied either: {cause}")
        return self._made(denial(self.where)) or self._denied(target[0], by)

    def _denied(self, target: Pod, by: str) -> Finding:
        last: dict[str, Said] = {}

        def silent() -> str | None:
            last.update(self._asked(target))
            return "the pod still answers" if last[NAME].good else None

        cause = wait(DENIED, silent, self.tell)
        if cause is not None:
            return judged(
                CHECK, None, False, found=f"{cause}, and {by} is to deny it on {target.node}", wanted=WANTED
            )
        if not last["control"].good:
            return unread(CHECK, None, "nobody answers any more, so a silent pod proves nothing")
        if (seen := self._seen()) is None or seen.why is not None:
            why = "could not be read again" if seen is None else f"is not ready any more ({seen.why})"
            return unread(CHECK, None, f"the pod that fell silent {why}, which proves nothing")
        return judged(CHECK, None, True, found=f"{by} denied a pod that answered before", wanted=WANTED)

    def _seen(self) -> Pod | None:
        """Return the pod that is denied as the API has it; a kubelet asks it whatever a policy says."""
        item = self.kubectl.get(f"/api/v1/namespaces/{self.where}/pods/{NAME}")
        return pod(item) if item else None

    def _asked(self, target: Pod) -> dict[str, Said]:
        """Ask the pod, and one that no policy is about."""
        asking, *others = self.up.values()
        control = others[0] if others else asking
        questions = [Question(NAME, target.address, HTTP), Question("control", control.address, HTTP)]
        said = self.ask(asking, questions)
        return {each.name: said.get(each.name, probe.SILENCE) for each in questions}

    def _made(self, wanted: list[dict[str, Any]]) -> Finding | None:
        """Create objects; return what to say when they are refused."""
        ran = self.kubectl("create -f -", stdin=probe.manifest(wanted))
        return None if ran.rc == 0 else unread(CHECK, None, ran.err.strip() or f"kubectl ended with {ran.rc}")
