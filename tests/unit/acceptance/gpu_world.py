"""A cluster with GPUs in memory: it places pods, gives devices away and answers kubectl as a real one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from clusters import Ran, kubectl_words

from checks.acceptance.gpu_pods import SEES
from checks.acceptance.gpu_targets import NODES
from deploy.model import Cluster

CLUSTER = Cluster.model_validate(
    {
        "name": "lab",
        "nodes": [
            {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
            {
                "name": "intel1",
                "address": "10.0.0.12",
                "roles": ["worker"],
                "gpus": {"vendor": "intel", "model": "A770", "count": 2, "module": "xe"},
            },
            {
                "name": "amd1",
                "address": "10.0.0.13",
                "roles": ["worker"],
                "gpus": {"vendor": "amd", "model": "MI300X", "count": 8, "allocation": "device-plugin"},
            },
        ],
    }
)
RESOURCE = "amd.com/gpu"
CARDS = {
    "intel1": ["/dev/dri/renderD129", "/dev/dri/renderD130"],
    "amd1": [f"/dev/dri/renderD{128 + number}" for number in range(8)],
    "mixed1 A770": ["/dev/dri/renderD129", "/dev/dri/renderD130"],
    "mixed1 B580": ["/dev/dri/renderD131"],
    f"mixed1 {RESOURCE}": ["/dev/dri/renderD132", "/dev/dri/renderD133"],
}
GRAPHICS = "/dev/dri/renderD128"
SLOTS = {
    GRAPHICS: "0001:00:02.0",
    "/dev/dri/renderD129": "0000:47:00.0",
    "/dev/dri/renderD130": "0000:4b:00.0",
}
BATTLEMAGE = {"/dev/dri/renderD131": "0000:4f:00.0"}


@dataclass
class World:
    """The faults: `blind` pods see no device, `generous` gives the last pod a GPU that is held, `greedy`
    never takes one back.

    `crossed` hands over another GPU than the claim names, `private` lets the first pod of a claim in alone,
    `early` is a pod that its kubelet does not start before something of it changes, `silent` an API that does
    not tell of claims.
    """

    blind: bool = False
    generous: bool = False
    greedy: bool = False
    crossed: bool = False
    private: bool = False
    early: str = ""
    silent: bool = False
    cards: dict[str, list[str]] = field(default_factory=lambda: CARDS)
    unreachable: dict[str, str] = field(default_factory=dict)
    pods: dict[str, dict[str, Any]] = field(default_factory=dict)
    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    sent: list[int] = field(default_factory=list)

    def run(self, host: str, command: str, *, stdin: str | bytes | None = None, timeout: float = 60.0) -> Ran:
        assert stdin or timeout
        if command == NODES:
            slots = {"intel1": SLOTS, "mixed1": SLOTS | BATTLEMAGE}.get(host, {})
            return Ran(out="".join(f"{slot} {node}\n" for node, slot in slots.items()))
        words = kubectl_words(command)
        self.ran.append(words)
        if words.startswith("create"):
            items = json.loads(stdin or "")["items"]
            self.sent.append(len(items))
            for item in items:
                self._made(item)
        elif self.silent and words.endswith("/resourceclaims"):
            return Ran(rc=1, err="Error from server (Timeout)")
        elif " delete pods " in words:
            for name in words.rpartition("s ")[2].split():
                self._ended(name)
        elif " annotate " in words and self.early in words.split():
            self.early = ""
        self._schedule()
        return Ran(out=self._answer(words))

    def _made(self, item: dict[str, Any]) -> None:
        if item["kind"] == "Pod":
            self.pods[item["metadata"]["name"]] = item
        elif item["kind"] != "Namespace":
            self.claims[item["metadata"]["name"]] = item

    def _ended(self, name: str) -> None:
        if self.pods.pop(name, None) and not self.greedy:
            self.held.pop(name, None)

    def _schedule(self) -> None:
        for name in self.pods:
            if name in self.held:
                continue
            if (given := self._given(name)) is not None:
                self.held[name] = given

    def _given(self, name: str) -> list[str] | None:
        pod, pool = self.pods[name], self._pool(name)
        source = (pod["spec"].get("resourceClaims") or [{}])[0]
        limits = pod["spec"]["containers"][0]["resources"]["limits"]
        if "resourceClaimName" in source:
            sharers = [each for each in self.held if self._claim_of(each) == source["resourceClaimName"]]
            if sharers:
                return None if self.private else self.held[sharers[0]]
        named = source.get("resourceClaimTemplateName") or source.get("resourceClaimName")
        if named is None:
            count = next((int(value) for name, value in limits.items() if "/" in name), 0)
        else:
            spec = self.claims[named]["spec"]
            request = spec.get("spec", spec)["devices"]["requests"][0]["exactly"]
            if request.get("adminAccess"):
                mine = ("intel1", "mixed1 A770", "mixed1 B580") if pool == "mixed1" else (pool,)
                return [GRAPHICS, *(card for each in mine[-2:] for card in self.cards[each])]
            count = request["count"]
        generous = self.generous and name.startswith("more")
        here = self.cards.get(pool, [])
        free = [card for card in here if generous or card not in self._taken(pool)]
        return free[:count] if len(free) >= count else None

    def _pool(self, name: str) -> str:
        """Return whose cards a pod gets: a node's, and of one with several models which."""
        if name not in self.pods:
            return name.rpartition("-")[2]
        spec = self.pods[name]["spec"]
        node: str = spec["nodeSelector"]["kubernetes.io/hostname"]
        if node in self.cards:
            return node
        source = (spec.get("resourceClaims") or [{}])[0]
        named = source.get("resourceClaimTemplateName") or source.get("resourceClaimName")
        asked = json.dumps([self.claims.get(named), spec["containers"][0]["resources"]["limits"]])
        return next((pool for pool in self.cards if pool.startswith(node) and pool.split()[1] in asked), node)

    def _taken(self, pool: str) -> set[str]:
        return {
            card
            for holder, cards in self.held.items()
            for card in cards
            if self._pool(holder) == pool and not holder.startswith("watch")
        }

    def _claim_of(self, name: str) -> str | None:
        spec = self.pods.get(name, {}).get("spec", {})
        return (spec.get("resourceClaims") or [{}])[0].get("resourceClaimName")

    def _answer(self, words: str) -> str:
        if words.endswith("/pods"):
            return json.dumps({"items": [self._item(name) for name in self.pods]})
        if words.endswith("/resourceclaims"):
            by_claim = ("intel1", "intel-a770", "intel-b580")
            return json.dumps({"items": [self._claim(name) for name in self.held if name.endswith(by_claim)]})
        if " logs " in words:
            return "".join(
                f"[pod/{name}/gpu] {SEES} {' '.join(self._sees(name))}\n"
                for name in self.held
                if name in self.pods and name != self.early
            )
        return ""

    def _sees(self, name: str) -> list[str]:
        if self.blind:
            return []
        if self.crossed and name.startswith("one"):
            return [GRAPHICS] * len(self.held[name])
        # a share is said to be of a card: CARD#NUMBER
        return [card.partition("#")[0] for card in self.held[name]]

    def _item(self, name: str) -> dict[str, Any]:
        if name == self.early:
            waiting = {"state": {"waiting": {"reason": "ContainerCreating"}}}
            status = {"phase": "Pending", "containerStatuses": [waiting]}
            return {"metadata": {"name": name}, "status": status}
        if name in self.held:
            return {"metadata": {"name": name}, "status": {"phase": "Running"}}
        limits = self.pods[name]["spec"]["containers"][0]["resources"]["limits"]
        by_number = next((each for each in limits if "/" in each), None)
        why = f"Insufficient {by_number}" if by_number else "cannot allocate all claims"
        message = f"0/3 nodes are available: 1 {why}, 2 node(s) didn't match Pod's node affinity/selector."
        condition = {"type": "PodScheduled", "reason": "Unschedulable", "message": message}
        return {"metadata": {"name": name}, "status": {"phase": "Pending", "conditions": [condition]}}

    def _claim(self, name: str) -> dict[str, Any]:
        results = [
            {"device": f"gpu-{card[-3:]}", "driver": "gpu.intel.com", "pool": self._pool(name).split()[0]}
            for card in self.held[name]
        ]
        status = {"allocation": {"devices": {"results": results}}, "reservedFor": [{"name": name}]}
        return {"metadata": {"name": name}, "status": status if results else {}}


MIXED = Cluster.model_validate(
    {
        "name": "lab",
        "nodes": [
            {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
            {
                "name": "mixed1",
                "address": "10.0.0.12",
                "roles": ["worker"],
                "gpus": [
                    {"vendor": "intel", "model": "A770", "count": 2, "module": "xe"},
                    {"vendor": "intel", "model": "B580", "count": 1},
                    {"vendor": "amd", "model": "MI210", "count": 2, "allocation": "device-plugin"},
                ],
            },
        ],
    }
)


def mixed() -> dict[str, list[dict[str, Any]]]:
    """Return what the API says of the node with cards of two vendors and three models."""
    found = lists()
    [slice_] = found["resourceslices"]
    slice_["spec"] |= {"nodeName": "mixed1", "pool": {"name": "mixed1"}}
    [(card, slot)] = BATTLEMAGE.items()
    attributes = {"model": {"string": "B580"}, "resource.kubernetes.io/pciBusID": {"string": slot}}
    slice_["spec"]["devices"].append({"name": f"gpu-{card[-3:]}", "attributes": attributes})
    offers = {"metadata": {"name": "mixed1"}, "status": {"allocatable": {RESOURCE: "2"}}}
    return {**found, "nodes": [offers]}


def lists(**changed: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return what the API says of the nodes before anybody asks for a GPU."""
    devices = [
        {
            "name": f"gpu-{card[-3:]}",
            "attributes": {
                "model": {"string": "Unknown" if card == GRAPHICS else "A770"},
                "resource.kubernetes.io/pciBusID": {"string": slot},
            },
        }
        for card, slot in SLOTS.items()
    ]
    spec = {"driver": "gpu.intel.com", "nodeName": "intel1", "pool": {"name": "intel1"}, "devices": devices}
    found: dict[str, list[dict[str, Any]]] = {
        "nodes": [{"metadata": {"name": "amd1"}, "status": {"allocatable": {RESOURCE: "8"}}}],
        "pods": [],
        "resourceslices": [{"metadata": {"name": "intel1-x"}, "spec": spec}],
        "resourceclaims": [],
    }
    return {**found, **changed}
