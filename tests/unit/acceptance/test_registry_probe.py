"""The whole active verify of a registry, with hands that remember what they were asked."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from checks.acceptance.gates import silently
from checks.acceptance.hands import Kubectl
from checks.acceptance.registry import LOGIN, RegistryProbe
from checks.acceptance.registry_script import Door
from checks.finding import Status
from deploy.errors import UnreachableError
from tests.unit.acceptance.test_registry_judges import GOOD

DOOR = Door("registry.home.arpa", "10.43.0.20", "/ca.crt", "models/slipway-verify")
PASSWORD = "a-password-of-the-test"
NODES = {"cp1": "amd64", "w1": "arm64"}
SECRET = {
    "data": {
        "username": base64.b64encode(b"slipway").decode(),
        "password": base64.b64encode(PASSWORD.encode()).decode(),
    }
}
PULLED = {"waiting": {"reason": "CreateContainerError", "message": "no such file"}}


@dataclass(frozen=True)
class Ran:
    rc: int
    out: str
    err: str = ""


@dataclass
class Hands:
    """Hosts and an API; `states` are the containers that the probe's pods end with, by node."""

    said: str = GOOD
    secret: Any = field(default_factory=lambda: SECRET)
    states: Mapping[str, Any] = field(default_factory=lambda: dict.fromkeys(NODES, PULLED))
    refuses: str = ""
    lost: bool = False
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    unreachable: Mapping[str, str] = field(default_factory=dict)

    def run(self, host: str, command: str, *, stdin: Any = None, timeout: float = 60.0) -> Ran:  # noqa: ARG002 - as every session's
        self.asked.append((host, command, str(stdin or "")))
        if "kubectl " not in command:
            if self.lost:
                raise UnreachableError("cp1 went away")
            return Ran(0, self.said)
        if LOGIN in command:
            return Ran(0, json.dumps(self.secret))
        if "create -f -" in command:
            return Ran(1, "", self.refuses) if self.refuses else Ran(0, "")
        if "/pods" in command:
            items = [
                {"spec": {"nodeName": name}, "status": {"containerStatuses": [{"state": state}]}}
                for name, state in self.states.items()
            ]
            return Ran(0, json.dumps({"items": items}))
        return Ran(0, "")


def verified(hands: Hands) -> dict[tuple[str, str | None], tuple[Status, str]]:
    kubectl = Kubectl(hands, "cp1", "/etc/kubernetes/admin.conf")
    probe = RegistryProbe(DOOR, "20261130T1", NODES, kubectl, hands, silently)
    return {(each.check, each.host): (each.status, each.found) for each in probe.findings()}


def removed(hands: Hands) -> bool:
    name = "slipway-verify-20261130t1-registry"
    return any("delete" in command and name in command for _, command, _ in hands.asked)


def test_every_node_pulls_what_one_has_pushed() -> None:
    hands = Hands()
    found = verified(hands)

    assert {key: status for key, (status, _) in found.items()} == {
        ("REG-01", None): Status.PASS,
        ("REG-02", None): Status.PASS,
        ("REG-06", None): Status.PASS,
        ("REG-07", "cp1"): Status.PASS,
        ("REG-07", "w1"): Status.PASS,
    }
    assert found["REG-07", "w1"][1] == "registry.home.arpa/models/slipway-verify"
    assert removed(hands)


def test_each_node_is_given_the_image_of_its_architecture_and_the_login() -> None:
    hands = Hands()
    verified(hands)
    [objects] = [stdin for _, command, stdin in hands.asked if "create -f -" in command]
    pods = {
        each["spec"]["nodeName"]: each["spec"]["containers"][0]["image"]
        for each in json.loads(objects)["items"]
        if each["kind"] == "Pod"
    }

    assert pods == {name: f"registry.home.arpa/models/slipway-verify:{of}" for name, of in NODES.items()}


def test_the_password_is_in_no_command() -> None:
    hands = Hands()
    verified(hands)

    assert not any(PASSWORD in command for _, command, _ in hands.asked)
    assert any(PASSWORD in stdin for _, _, stdin in hands.asked)


@pytest.mark.parametrize("secret", [{}, {"data": None}, {"data": {"username": "c2xpcHdheQ=="}}])
def test_without_a_password_nothing_is_proven(secret: Any) -> None:
    found = verified(Hands(secret=secret))
    why = "the Secret slipway-system/registry has no username and password"

    assert set(found.values()) == {(Status.UNAVAILABLE, why)}
    assert len(found) == 5


def test_without_a_push_no_pull_is_tried() -> None:
    hands = Hands(said=GOOD.replace("push 201", "push 500"))
    found = verified(hands)

    assert found["REG-02", None] == (Status.FAIL, "push: HTTP 500")
    assert found["REG-07", "w1"] == (
        Status.UNAVAILABLE,
        "nothing could be pushed that a node could pull (REG-02)",
    )
    assert not removed(hands)


def test_a_host_that_goes_away_proves_nothing() -> None:
    assert {status for status, _ in verified(Hands(lost=True)).values()} == {Status.UNAVAILABLE}


def test_a_namespace_that_is_refused_is_removed_all_the_same() -> None:
    hands = Hands(refuses="Forbidden")

    assert verified(hands)["REG-07", "cp1"] == (Status.UNAVAILABLE, "Forbidden")
    assert removed(hands)


def test_a_node_whose_runtime_does_not_trust_the_registry_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from checks.acceptance import registry

    monkeypatch.setattr(registry, "PULLED", registry.Gate("pulls", 0.0))
    broken = {"waiting": {"reason": "ErrImagePull", "message": "x509: unknown authority"}}
    found = verified(Hands(states={"cp1": PULLED, "w1": broken}))

    assert found["REG-07", "cp1"][0] is Status.PASS
    assert found["REG-07", "w1"] == (Status.FAIL, "ErrImagePull: x509: unknown authority")
