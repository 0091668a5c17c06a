"""A model behind a Gateway of the operator's Traefik: reached, refused, cut off, and exposed again."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from checks.acceptance.asking import Endpoint
from deploy.lab import gomodule
from deploy.lab.progress import Progress
from deploy.lab.workshop import Workshop
from tests.lab.serving.models import (
    PATIENCE,
    broken,
    changed,
    endpoint,
    findings,
    got,
    kubectl,
    tokens,
    value,
)
from tests.lab.site import Site, until

HOST = "tiny.gateways.test"
BEHIND = {"expose": "gateway", "gateway": {"name": "front", "namespace": "gateways", "hostname": HOST}}
MANIFEST = (Path(__file__).parent / "gateway.yaml").read_text()
ROUTE, SERVE = "Route Gateways to the models", "Serve the models"
ITS = "tiny: its HTTPRoute for gateways/front"
# seconds until a controller has looked, or a pod of it has come or gone
LOOKED = 120.0


@dataclass(frozen=True)
class Front:
    """A cluster whose model is behind a Gateway; `said` is what the apply that put it there printed."""

    site: Site
    said: str

    @property
    def address(self) -> str:
        """Where the operator's controller is reached."""
        service = got(self.site, "--namespace=gateways", "service", "traefik")
        return str(service["status"]["loadBalancer"]["ingress"][0]["ip"])

    @property
    def asked(self) -> Endpoint:
        """The model, as its users ask it."""
        return Endpoint(self.address, 80, value(self.site, "models", "model-tiny", "api-key"), HOST)

    def patch(self, what: str, patch: object) -> None:
        """Change an object of the operator's."""
        kubectl(
            self.site, "--namespace=gateways", "patch", what, "--type=json", f"--patch={json.dumps(patch)}"
        )

    def reaches(self) -> bool:
        """Say whether the Gateway leads to the model."""
        return self.asked.get("/health").status == 200


def definitions() -> str:
    """Return the Gateway API's definitions, in the version that Traefik was built with."""
    workshop = Workshop(Progress())
    traefik = workshop.recipes.modules["traefik"]
    folder = gomodule.required("sigs.k8s.io/gateway-api", traefik, workshop.go) / "config/crd/standard"
    return "\n---\n".join(path.read_text() for path in sorted(folder.glob("*.yaml")))


def applied(site: Site, text: str) -> None:
    kubectl(site, "apply", "--server-side", "--filename=-", stdin=text)


def conditions(parent: dict[str, Any]) -> dict[str, str]:
    return {each["type"]: each["status"] for each in parent.get("conditions", ())}


def programmed(site: Site) -> bool:
    """Say whether the Gateway is there for its controller, and has an address."""
    found = got(site, "--namespace=gateways", "gateway", "front")["status"]
    return conditions(found).get("Programmed") == "True" and bool(found.get("addresses"))


@pytest.fixture(scope="module")
def front(llm: Site) -> Iterator[Front]:
    """Bring what is the operator's, put the model behind it, and take both away again."""
    llm.lab.request("traefik")
    given = definitions()
    try:
        applied(llm, given)
        wait = ["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]
        kubectl(llm, *wait)
        applied(llm, MANIFEST)
        rolled = ["rollout", "status", "--namespace=gateways", "--timeout=300s", "deployment/traefik"]
        kubectl(llm, *rolled)
        until(lambda: programmed(llm), LOOKED, "a Gateway with an address", every=1.0)
        with changed(llm, **BEHIND):
            yield Front(llm, llm.ok("apply", "--yes", timeout=PATIENCE))
    finally:
        llm.ok("apply", "--yes", timeout=PATIENCE)
        kubectl(llm, "delete", "--ignore-not-found", "--filename=-", stdin=MANIFEST)
        kubectl(llm, "delete", "--ignore-not-found", "--filename=-", stdin=given)


def test_a_gateway_api_that_is_not_served_is_said_before_anything_is_changed(llm: Site) -> None:
    with changed(llm, **BEHIND):
        planned = llm.slipway("plan")
        done = llm.slipway("apply", "--yes", timeout=PATIENCE)
    asked = tokens(endpoint(llm))

    why = "the API server does not serve gateway.networking.k8s.io/v1, by which tiny is to be exposed"
    remedy = "install the Gateway API and a controller of Gateways, or set models[].expose"
    for each in (planned, done):
        assert each.returncode == 3, each.stdout + each.stderr
        said = " ".join((each.stdout + each.stderr).split())
        assert why in said
        assert remedy in said
    assert asked == 8
    assert llm.plan(code=0) == []


def test_a_model_is_verified_through_its_gateway_and_a_second_apply_changes_nothing(front: Front) -> None:
    found = findings(front.site)

    assert broken(found) == {}
    where = f"{front.address}:80 as {HOST}, through Gateway gateways/front"
    assert found["SRV-04", None]["found"] == f"tiny at {where} (dummy weights, cpu): 16 tokens"
    assert found["GW-03", None]["found"] == "tiny by gateways/front"
    for check in ("GW-01", "GW-03", "SRV-04", "SRV-08", "SRV-09", "SRV-10"):
        assert found[check, None]["status"] == "pass"
    assert "0 changes." in front.site.ok("apply", "--yes")
    assert front.site.plan(code=0) == []
    front.site.ok("drift")


def test_users_ask_at_the_gateways_address_by_the_models_name_with_its_key(front: Front) -> None:
    asked = front.asked
    body = {"model": "tiny", "prompt": "Hello", "max_tokens": 8}
    chat = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 16}

    streamed = asked.stream("/v1/chat/completions", {**chat, "ignore_eos": True})

    assert tokens(asked) == 8
    assert replace(asked, key=None).post("/v1/completions", body).status == 401
    assert replace(asked, name="other.gateways.test").post("/v1/completions", body).status == 404
    assert (streamed.cause, streamed.ended) == ("", True)
    assert streamed.pieces > 1
    service = got(front.site, "--namespace=models", "service", "model-tiny")
    assert service["spec"]["type"] == "ClusterIP"


def test_the_lines_that_an_apply_prints_get_an_answer(front: Front) -> None:
    lines = [line for line in front.said.splitlines() if re.match(r"\s+(KEY=|printf 'Authorization)", line)]
    assert f"-H 'Host: {HOST}'" in lines[-1]

    done = subprocess.run(
        ["bash", "-euc", "\n".join(lines)], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["usage"]["completion_tokens"] > 0


def test_a_bench_asks_through_the_gateway(front: Front) -> None:
    quick = ("--clients", "1", "--requests", "2", "--output-tokens", "8")

    run = json.loads(front.site.ok("bench", "tiny", *quick, "-o", "json"))

    assert run["url"] == f"http://{front.address}:80"
    [level] = run["levels"]
    assert (level["answered"], level["failed"]) == (2, {})


def test_a_route_that_somebody_edited_is_named_and_put_back(front: Front) -> None:
    edited = json.dumps([{"op": "replace", "path": "/spec/hostnames/0", "value": "other.test"}])
    kubectl(
        front.site, "--namespace=models", "patch", "httproute", "model-tiny", "--type=json", f"-p={edited}"
    )

    [row] = front.site.plan()
    front.site.ok("apply", "--yes", timeout=PATIENCE)

    assert (row["phase"], row["operation"]) == ("serving", ROUTE)
    assert "other.test" in row["diff"]
    assert tokens(front.asked) == 8


def test_a_listener_that_does_not_take_the_models_namespace_is_told_with_its_reason(front: Front) -> None:
    listener = "/spec/listeners/0/allowedRoutes/namespaces"
    kept = got(front.site, "--namespace=gateways", "gateway", "front")
    kept = kept["spec"]["listeners"][0]["allowedRoutes"]["namespaces"]
    front.patch("gateway/front", [{"op": "replace", "path": listener, "value": {"from": "Same"}}])
    try:
        until(lambda: front.asked.get("/health").status == 404, LOOKED, "a Gateway that refuses", every=1.0)
        found = findings(front.site, code=3)
        night = front.site.night(3)
        planned = front.site.plan(code=0)
    finally:
        front.patch("gateway/front", [{"op": "replace", "path": listener, "value": kept}])
    until(front.reaches, LOOKED, "a Gateway that leads to the model", every=1.0)

    why = f"{ITS}: Accepted is False: NotAllowedByListeners"
    assert broken(found) == {("GW-03", None): why}
    assert "allowedRoutes" in found["GW-03", None]["remedy"]
    assert ", not through its Gateway, which does not lead to it (GW-03)" in found["SRV-04", None]["found"]
    assert [each["found"] for each in night["findings"] if each["check"] == "GW-03"] == [why]
    assert planned == []
    assert broken(findings(front.site)) == {}


def test_a_gateway_that_is_gone_is_told_and_so_is_one_that_nobody_looks_after(front: Front) -> None:
    kubectl(front.site, "--namespace=gateways", "delete", "gateway", "front")
    try:
        gone = findings(front.site, code=3)
    finally:
        kubectl(front.site, "--namespace=gateways", "scale", "deployment/traefik", "--replicas=0")
        try:
            until(lambda: front.asked.get("/health").status is None, LOOKED, "a silent address", every=1.0)
            applied(front.site, "---".join(MANIFEST.split("---")[-2:]))
            unseen = findings(front.site, code=3)
        finally:
            kubectl(front.site, "--namespace=gateways", "scale", "deployment/traefik", "--replicas=1")
    until(front.reaches, LOOKED, "a Gateway that leads to the model", every=1.0)

    assert broken(gone) == {("GW-03", None): "tiny: there is no Gateway gateways/front"}
    assert set(broken(unseen)) == {("GW-03", None)}
    assert broken(unseen)["GW-03", None].startswith("Gateway gateways/front: Programmed is Unknown: Pending")
    assert broken(findings(front.site)) == {}


def test_a_controller_that_is_away_is_found_by_asking_as_what_it_said_stays(front: Front) -> None:
    kubectl(front.site, "--namespace=gateways", "scale", "deployment/traefik", "--replicas=0")
    try:
        until(lambda: front.asked.get("/health").status is None, LOOKED, "a silent address", every=1.0)
        found = findings(front.site, code=3)
    finally:
        kubectl(front.site, "--namespace=gateways", "scale", "deployment/traefik", "--replicas=1")
    until(front.reaches, LOOKED, "a Gateway that leads to the model", every=1.0)

    assert found["GW-03", None]["status"] == "pass"
    assert found["SRV-04", None]["status"] == "fail"
    told = found["SRV-04", None]["found"]
    assert told.startswith(f"tiny at {front.address}:80 as {HOST}, through Gateway gateways/front: ")


def test_a_model_that_a_load_balancer_exposes_again_is_reached_through_no_gateway(front: Front) -> None:
    with changed(front.site, expose="load-balancer", gateway=None):
        rows = front.site.plan()
        front.site.ok("apply", "--yes", timeout=PATIENCE)
        answered = tokens(endpoint(front.site))
        until(lambda: front.asked.get("/health").status == 404, LOOKED, "a Gateway that leads nowhere")
        routes = got(front.site, "--namespace=models", "httproutes")["items"]
        found = findings(front.site)
        again = front.site.plan(code=0)
    front.site.ok("apply", "--yes", timeout=PATIENCE)

    assert {row["operation"] for row in rows} == {SERVE, "Remove routes to models that no Gateway exposes"}
    assert (answered, routes, again) == (8, [], [])
    assert broken(found) == {}
    assert ("GW-03", None) not in found
    assert tokens(front.asked) == 8
