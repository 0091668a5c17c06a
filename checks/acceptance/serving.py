"""An active verify of models: asked with their keys, from outside where it can be, else from a node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent

from checks.acceptance.asking import Asked
from checks.acceptance.gates import NOTICED, Gate, Tell, wait
from checks.acceptance.hands import Kubectl
from checks.acceptance.serving_ways import Way, Ways
from checks.finding import Finding
from checks.say import judged, unread
from deploy.model import Cluster
from deploy.model.serving import Model

CHECKS = ("SRV-04", "SRV-08", "SRV-09", "SRV-10")
HEALTHY = Gate("a model to answer", NOTICED, every=1.0)
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
CHAT = "/v1/chat/completions"
# what vLLM says of a model that only completes texts, as one that was trained for nothing else does
BAD, NO_CHAT = 400, "chat template"
Told = tuple[str, bool]


@dataclass(frozen=True, slots=True)
class ServingProbe:
    """One active verify of a cluster's models."""

    cluster: Cluster
    kubectl: Kubectl
    tell: Tell

    def findings(self) -> list[Finding]:
        """Ask every model, all at once; each check is said of all of them."""
        if not self.cluster.models:
            return []
        asked = [gevent.spawn(self._one, model) for model in self.cluster.models]
        told = [greenlet.get() for greenlet in asked]
        return [_of(check, [each[check] for each in told]) for check in CHECKS]

    def _one(self, model: Model) -> dict[str, Told | str]:
        """Return by check what is said of one model; a text alone when it could not be asked."""
        way = Ways(self.cluster, self.kubectl).to(model)
        if isinstance(way, str):
            return dict.fromkeys(CHECKS, f"{model.name}: {way}")
        if (cause := self._awaited(model, way)) is not None:
            silent: dict[str, Told | str] = dict.fromkeys(CHECKS, cause)
            return {**silent, "SRV-04": (cause, False)}
        look: dict[str, Callable[[Model, Asked], Told]] = {
            "SRV-04": partial(completed, past=way.past),
            "SRV-08": streamed,
            "SRV-09": refused,
            "SRV-10": scraped,
        }
        return {check: each(model, way.asked) for check, each in look.items()}

    def _awaited(self, model: Model, way: Way) -> str | None:
        def healthy() -> str | None:
            answer = way.asked.get("/health")
            where = f"{model.name} at {way.asked.address}{way.past}"
            return None if answer.status == 200 else f"{where}: {answer.said}"

        return wait(HEALTHY, healthy, self.tell)


def _of(check: str, told: Sequence[Told | str]) -> Finding:
    """Return one finding of all models: faults, or else what could not be asked, or else all that is good."""
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
    return judged(check, None, bool(known), found="; ".join(text for text, _ in known), wanted=wanted)


def _weights(model: Model) -> str:
    """Say what an answer is worth."""
    return f"dummy weights, {model.computed_on}" if model.is_random else str(model.computed_on)


def completed(model: Model, endpoint: Asked, past: str = "") -> Told:
    """A model is listed under its name, and completes a text; `past` is what it was asked by or without."""
    where = f"{model.name} at {endpoint.address}{past}"
    listed = endpoint.get("/v1/models")
    ids = [str(each.get("id")) for each in listed.data().get("data") or ()]
    if model.name not in ids:
        return f"{where}: lists {', '.join(ids) or listed.said}", False
    answer = endpoint.post("/v1/completions", {"model": model.name, "prompt": "Hello", **ASKED})
    tokens = int((answer.data().get("usage") or {}).get("completion_tokens") or 0)
    if answer.status != 200 or not answer.data().get("choices") or not tokens:
        return f"{where}: a completion came to {answer.said}, {tokens} tokens", False
    return f"{where} ({_weights(model)}): {tokens} tokens", True


def streamed(model: Model, endpoint: Asked) -> Told:
    """A model streams a chat's answer to its end, or a text's where it was not made for chats."""
    body: dict[str, Any] = {"model": model.name, **ASKED}
    chat = {**body, "messages": [{"role": "user", "content": "Hello"}]}
    found, what = endpoint.stream(CHAT, chat), ""
    if found.cause == f"status {BAD}" and NO_CHAT in endpoint.post(CHAT, chat).text:
        found = endpoint.stream("/v1/completions", {**body, "prompt": "Hello"})
        what = " of a text, for want of a chat template,"
    if found.cause or found.first is None or found.whole is None:
        return f"{model.name}: {found.cause or 'the stream had nothing in it'}", False
    said = (
        f"{model.name}: first token{what} after {found.first:.2f} s, {found.pieces} pieces in"
        f" {found.whole:.2f} s"
    )
    return said + ("" if found.ended else ", and no end"), found.ended


def refused(model: Model, endpoint: Asked) -> Told:
    """A model answers nobody without its key, on no path."""
    anyone = endpoint.with_key(None)
    bare = anyone.get("/v1/models")
    wrong = endpoint.with_key(WRONG).get("/v1/models")
    beside = anyone.post(KEYLESS, {"model": model.name, "prompt": "Hello", **ASKED})
    said = f"{model.name}: without a key {bare.said}, with a wrong one {wrong.said}, {KEYLESS} {beside.said}"
    return said, (bare.status, wrong.status, beside.status) == (401, 401, 404)


def scraped(model: Model, endpoint: Asked) -> Told:
    """A model's metrics have the names that others read."""
    answer = endpoint.with_key(None).get("/metrics")
    lines = answer.text.splitlines()
    known = {line.partition("{")[0].partition(" ")[0] for line in lines if line and not line.startswith("#")}
    missing = [name for name in METRICS if not known & {name, f"{name}_count"}]
    if answer.status != 200:
        return f"{model.name}: {answer.said}", False
    said = f"{model.name}: {len(METRICS) - len(missing)}/{len(METRICS)} names"
    return said + (f", without {', '.join(missing)}" if missing else ""), not missing
