"""An active verify of models: asked from outside, through the load balancer's address, with their keys."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import gevent

from checks.acceptance.asking import Endpoint, Streamed
from checks.acceptance.gates import Gate, Tell, wait
from checks.acceptance.hands import Kubectl
from checks.finding import Finding
from checks.say import judged, skipped, unread
from deploy.errors import SlipwayError
from deploy.model import Cluster
from deploy.model.serving import Model, ModelExposure
from deploy.serving import names

CHECKS = ("SRV-04", "SRV-08", "SRV-09", "SRV-10")
HEALTHY = Gate("a model to answer", 60.0, every=1.0)
WHY_NOT = "the hosts are reached through a jump host, so this machine is not on their network"
INSIDE = "it is not exposed by the load balancer, and only that is asked from here"
# what dashboards and autoscalers read, as vLLM names it (vllm-project/vllm docs/design/metrics.md)
METRICS = (
    "vllm:num_requests_running",
    "vllm:num_requests_waiting",
    "vllm:kv_cache_usage_perc",
    "vllm:time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds",
    "vllm:e2e_request_latency_seconds",
    "vllm:request_queue_time_seconds",
    "vllm:prompt_tokens_total",
    "vllm:generation_tokens_total",
    "vllm:request_success_total",
    "vllm:num_preemptions_total",
    "vllm:prefix_cache_hits_total",
)
WRONG = "slipway-wrong-key"
# the engine computes on it too, and asks nobody for the key (vLLM's docs/usage/security.md)
KEYLESS = "/invocations"
# a model that is asked must not stop at once: one of random weights might
ASKED = {"max_tokens": 16, "temperature": 0, "ignore_eos": True}
Told = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class ServingProbe:
    """One active verify of a cluster's models."""

    cluster: Cluster
    kubectl: Kubectl
    tell: Tell

    def findings(self) -> list[Finding]:
        """Ask every model that can be asked from here, all at once; each check is said of all of them."""
        models = [each for each in self.cluster.models if each.expose is ModelExposure.LOAD_BALANCER]
        if not self.cluster.models:
            return []
        if self.cluster.ssh.jump is not None or not models:
            why = INSIDE if not models else WHY_NOT
            return [skipped(check, None, why) for check in CHECKS]
        asked = [gevent.spawn(self._one, model) for model in models]
        told = [greenlet.get() for greenlet in asked]
        inside = [each.name for each in self.cluster.models if each not in models]
        return [_of(check, [each[check] for each in told], inside) for check in CHECKS]

    def _one(self, model: Model) -> dict[str, Told | str]:
        """Return by check what is said of one model; a text alone when it could not be asked."""
        endpoint = self._endpoint(model)
        if isinstance(endpoint, str):
            return dict.fromkeys(CHECKS, f"{model.name}: {endpoint}")
        if (cause := self._awaited(model, endpoint)) is not None:
            silent: dict[str, Told | str] = dict.fromkeys(CHECKS, cause)
            return {**silent, "SRV-04": (cause, False)}
        look: dict[str, Callable[[Model, Endpoint], Told]] = {
            "SRV-04": completed,
            "SRV-08": streamed,
            "SRV-09": refused,
            "SRV-10": scraped,
        }
        return {check: each(model, endpoint) for check, each in look.items()}

    def _awaited(self, model: Model, endpoint: Endpoint) -> str | None:
        def healthy() -> str | None:
            answer = endpoint.get("/health")
            return None if answer.status == 200 else f"{model.name} at {endpoint.address}: {answer.said}"

        return wait(HEALTHY, healthy, self.tell)

    def _endpoint(self, model: Model) -> Endpoint | str:
        """Return where a model is asked, or why it cannot be."""
        path = f"/api/v1/namespaces/{names.NAMESPACE}/services/{names.workload(model)}"
        service = self.kubectl.get(path)
        ingress = (service.get("status") or {}).get("loadBalancer", {}).get("ingress") or ()
        address = next((str(each["ip"]) for each in ingress if each.get("ip")), None)
        if address is None:
            return "its Service has no address (LB-04)"
        key = self._key(model)
        return Endpoint(address, names.SERVICE_PORT, key) if key else "its key could not be read"

    def _key(self, model: Model) -> str | None:
        """Read the key out of its Secret, on the control plane; it goes nowhere but into requests."""
        path = shlex.quote(f"jsonpath={{.data.{names.API_KEY}}}")
        words = f"--namespace {names.NAMESPACE} get secret {names.workload(model)} -o {path}"
        try:
            ran = self.kubectl(words)
            return base64.b64decode(ran.out.strip(), validate=True).decode() if ran.rc == 0 else None
        except (SlipwayError, binascii.Error, UnicodeDecodeError):
            return None


def _of(check: str, told: Sequence[Told | str], inside: Sequence[str]) -> Finding:
    """Return one finding of all models: faults, or else what could not be asked, or else all that is good.

    `inside` are the models that nobody asks from here; a pass says so.
    """
    wanted = {
        "SRV-04": "each listed, and a completion from each",
        "SRV-08": "a first token, and an end",
        "SRV-09": f"401 without a key and with a wrong one, 404 from {KEYLESS}",
        "SRV-10": f"{len(METRICS)} names",
    }[check]
    known = [each for each in told if not isinstance(each, str)]
    if bad := [text for text, good in known if not good]:
        return judged(check, None, False, found="; ".join(bad), wanted=wanted)
    if unknown := [each for each in told if isinstance(each, str)]:
        return unread(check, None, "; ".join(unknown))
    unasked = [f"not asked: {', '.join(inside)}, which no load balancer exposes"] if inside else []
    good = "; ".join([*(text for text, _ in known), *unasked])
    return judged(check, None, bool(known), found=good, wanted=wanted)


def _weights(model: Model) -> str:
    """Say what an answer is worth."""
    return f"dummy weights, {model.computed_on}" if model.is_random else str(model.computed_on)


def completed(model: Model, endpoint: Endpoint) -> Told:
    """A model is listed under its name, and completes a text."""
    where = f"{model.name} at {endpoint.address}"
    listed = endpoint.get("/v1/models")
    ids = [str(each.get("id")) for each in listed.data().get("data") or ()]
    if model.name not in ids:
        return f"{where}: lists {', '.join(ids) or listed.said}", False
    answer = endpoint.post("/v1/completions", {"model": model.name, "prompt": "Hello", **ASKED})
    tokens = int((answer.data().get("usage") or {}).get("completion_tokens") or 0)
    if answer.status != 200 or not answer.data().get("choices") or not tokens:
        return f"{where}: a completion came to {answer.said}, {tokens} tokens", False
    return f"{where} ({_weights(model)}): {tokens} tokens", True


def streamed(model: Model, endpoint: Endpoint) -> Told:
    """A model streams a chat's answer to its end."""
    messages = [{"role": "user", "content": "Hello"}]
    found: Streamed = endpoint.stream(
        "/v1/chat/completions", {"model": model.name, "messages": messages, **ASKED}
    )
    if found.cause or found.first is None or found.whole is None:
        return f"{model.name}: {found.cause or 'the stream had nothing in it'}", False
    said = (
        f"{model.name}: first token after {found.first:.2f} s, {found.pieces} pieces in {found.whole:.2f} s"
    )
    return said + ("" if found.ended else ", and no end"), found.ended


def refused(model: Model, endpoint: Endpoint) -> Told:
    """A model answers nobody without its key, on no path."""
    bare = replace(endpoint, key=None).get("/v1/models")
    wrong = replace(endpoint, key=WRONG).get("/v1/models")
    beside = replace(endpoint, key=None).post(KEYLESS, {"model": model.name, "prompt": "Hello", **ASKED})
    said = f"{model.name}: without a key {bare.said}, with a wrong one {wrong.said}, {KEYLESS} {beside.said}"
    return said, (bare.status, wrong.status, beside.status) == (401, 401, 404)


def scraped(model: Model, endpoint: Endpoint) -> Told:
    """A model's metrics have the names that others read."""
    answer = replace(endpoint, key=None).get("/metrics")
    lines = answer.text.splitlines()
    known = {line.partition("{")[0].partition(" ")[0] for line in lines if line and not line.startswith("#")}
    missing = [name for name in METRICS if not known & {name, f"{name}_count"}]
    if answer.status != 200:
        return f"{model.name}: {answer.said}", False
    said = f"{model.name}: {len(METRICS) - len(missing)}/{len(METRICS)} names"
    return said + (f", without {', '.join(missing)}" if missing else ""), not missing
