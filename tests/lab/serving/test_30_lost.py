"""A model whose pod, registry or node is lost: answers go on or come back, and nothing is fetched twice."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from checks.acceptance.asking import Endpoint
from tests.lab.serving.models import (
    ANEW,
    POPULATE,
    SERVER,
    broken,
    endpoint,
    findings,
    got,
    kubectl,
    pods,
    settled,
)
from tests.lab.site import Site, until

FILES = "/var/lib/slipway/volumes/*_models_model-tiny-1"
LENGTH = 480  # tokens of a long answer; the context has 512
ENGINE = "pgrep -of '[v]llm serve .*--served-model-name=tiny '"


@dataclass
class Stream:
    """A long answer, read as it comes by a thread of its own."""

    asked: Endpoint
    begun: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    last: dict[str, Any] = field(default_factory=dict)
    why: str = ""

    def start(self) -> Stream:
        threading.Thread(target=self._read, daemon=True).start()
        assert self.begun.wait(60), "no first piece came"
        return self

    def _read(self) -> None:
        body: dict[str, Any] = {
            "model": "tiny",
            "prompt": "Hello",
            "max_tokens": LENGTH,
            "ignore_eos": True,
            "stream": True,
        }
        body["stream_options"] = {"include_usage": True}
        headers = {"Authorization": f"Bearer {self.asked.key}", "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.asked.address, self.asked.port, timeout=60)
        try:
            connection.request("POST", "/v1/completions", json.dumps(body), headers)
            answer = connection.getresponse()
            while line := answer.readline().decode():
                self._take(line.strip().removeprefix("data: "))
        except (OSError, http.client.HTTPException) as error:
            self.why = repr(error)
        finally:
            connection.close()
            self.ended.set()

    def _take(self, text: str) -> None:
        if text == "[DONE]":
            self.last["done"] = True
        elif text:
            piece = json.loads(text)
            self.begun.set()
            self.last |= {"usage": piece["usage"]} if piece.get("usage") else {}
            reasons = [each["finish_reason"] for each in piece["choices"] if each["finish_reason"]]
            self.last |= {"reason": reasons[0]} if reasons else {}

    def whole(self) -> None:
        """Wait for its end, which must be its last token and nothing before that."""
        assert self.ended.wait(120), "the stream did not end"
        assert self.why == ""
        assert (self.last.get("reason"), self.last.get("done")) == ("length", True)
        assert self.last["usage"]["completion_tokens"] == LENGTH


def fetched(site: Site) -> tuple[list[str], list[str], str]:
    """Return what tells whether a model was fetched again: the Job's pods, the Jobs, its files' list."""
    jobs = got(site, "--namespace=models", "jobs", f"--selector={POPULATE.format('tiny')}")["items"]
    listed = site.on("n2", f"stat -c '%n %Y %i' {FILES}/*/.slipway")
    assert listed
    return pods(site, POPULATE.format("tiny")), sorted(each["metadata"]["uid"] for each in jobs), listed


def test_a_pod_that_is_deleted_is_replaced_and_nothing_is_fetched_again(llm: Site) -> None:
    files, before = fetched(llm), pods(llm, SERVER.format("tiny"))

    kubectl(llm, "--namespace=models", "delete", "pod", f"--selector={SERVER.format('tiny')}")

    until(lambda: settled(llm), ANEW, "an answer from the next pod", every=2.0)
    after = pods(llm, SERVER.format("tiny"))
    assert len(after) == 1
    assert after != before
    assert fetched(llm) == files


def interrupted(site: Site, act: Callable[[], object]) -> Stream:
    """Act while an answer is on its way; where it was over before that, on another one."""
    for _ in range(3):
        stream = Stream(endpoint(site)).start()
        act()
        if not stream.ended.is_set():
            return stream
        stream.whole()  # over, and not broken off
        until(lambda: settled(site), ANEW, "an answer from the next pod", every=2.0)
    raise AssertionError("every answer was over before")


def test_an_answer_that_has_begun_is_finished_when_its_pod_is_deleted(llm: Site) -> None:
    words = ("--namespace=models", "delete", "pod", "--wait=false", f"--selector={SERVER.format('tiny')}")

    stream = interrupted(llm, lambda: kubectl(llm, *words))

    stream.whole()
    until(lambda: settled(llm), ANEW, "an answer from the next pod", every=2.0)


def test_sigterm_in_the_middle_of_an_answer_lets_it_end(llm: Site) -> None:
    """At the engine itself: a pod that is deleted gets it 15 s later, when so short an answer is over."""
    engine = ""

    def kill() -> None:
        nonlocal engine
        engine = llm.on("n2", f'engine=$({ENGINE}) && kill -TERM "$engine" && echo "$engine"')

    stream = interrupted(llm, kill)

    stream.whole()
    until(lambda: not alive(llm, engine), 120, "the end of the engine")
    until(lambda: settled(llm), ANEW, "an answer from the next engine", every=2.0)


def alive(site: Site, process: str) -> bool:
    """Say whether a process of the worker is still there."""
    return bool(site.on("n2", f"test -d /proc/{process} && echo there", check=False))


def test_without_the_registry_nodes_and_models_go_on_and_a_verify_says_what_is_broken(llm: Site) -> None:
    before = pods(llm, SERVER.format("tiny"))
    kubectl(llm, *("--namespace=registry", "scale", "deployment", "registry", "--replicas=0"))
    until(lambda: got(llm, "--namespace=registry", "pods")["items"] == [], 300, "the registry's end")

    found = broken(findings(llm, code=3))

    checks = {check for check, _ in found}
    assert {"REG-02", "REG-05", "REG-09"} <= checks
    # what has the address of a Service without a pod behind it may be said too
    assert {check.partition("-")[0] for check in checks} <= {"REG", "LB"}
    assert settled(llm)
    assert pods(llm, SERVER.format("tiny")) == before
    ready = kubectl(
        llm, "get", "nodes", "-o", 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
    )
    assert ready == "True True"

    llm.ok("apply", "--yes", timeout=600)

    assert broken(findings(llm)) == {}


def ready(site: Site) -> bool:
    """Say whether the API has a ready pod of the model."""
    found = got(site, "--namespace=models", "deployment", "model-tiny")
    return bool(found["status"].get("readyReplicas"))


def test_a_node_that_is_away_is_named_with_what_frees_its_model_and_comes_back_with_it(llm: Site) -> None:
    files = fetched(llm)
    llm.lab.stop("n2")
    try:
        until(lambda: not ready(llm), ANEW, "the API's word that the model is not ready", every=2.0)
        away = llm.slipway("verify", "--passive", "-o", "json", timeout=600)
    finally:
        llm.lab.start("n2")

    assert away.returncode == 6, away.stdout + away.stderr
    report = json.loads(away.stdout)
    assert list(report["unreachable"]) == ["w1"]
    [found] = [each for each in report["findings"] if each["check"] == "SRV-07"]
    assert found["status"] == "fail"
    assert found["found"] == "tiny 0/1 ready: its files are on w1, which is not Ready"
    assert found["remedy"] == (
        "Start w1 again: tiny goes on with what is there. Where w1 is gone for good, its files are too:"
        " kubectl delete node w1; kubectl -n models delete job -l slipway.dev/model=tiny;"
        " kubectl -n models delete pvc model-tiny-1; take w1 out of the inventory; then slipway apply"
    )
    until(lambda: settled(llm), 2 * ANEW, "an answer after the node's start", every=5.0)
    assert fetched(llm) == files
    llm.ok("verify", "--wait", "600", timeout=1200)
    assert llm.plan(code=0) == []
    assert broken(findings(llm)) == {}
