"""A verify asks models over real HTTP: what a good one answers passes, and every fault is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from engine_world import KEY, REFUSED, Engine, Hands, asked, said

from checks.acceptance import serving
from checks.acceptance.asking import Endpoint
from checks.acceptance.asking_inside import Inside
from checks.acceptance.serving import METRICS
from checks.finding import Status


def test_a_good_model_passes_and_its_dummy_weights_are_named(engine: Engine) -> None:
    found = said(asked())

    assert {check: status for check, (status, _) in found.items()} == dict.fromkeys(
        serving.CHECKS, Status.PASS
    )
    assert found["SRV-04"][1] == "tiny at 127.0.0.1 (dummy weights, cpu): 16 tokens"
    assert re.fullmatch(r"tiny: first token after \d\.\d\d s, 3 pieces in \d\.\d\d s", found["SRV-08"][1])
    assert found["SRV-09"][1] == REFUSED
    assert found["SRV-10"][1] == "tiny: 12/12 names"


def test_what_an_answer_is_worth_is_said_by_its_weights_and_its_image(engine: Engine) -> None:
    def worth(**changes: Any) -> str:
        return said(asked(arguments=[], **changes))["SRV-04"][1]

    assert worth() == "tiny at 127.0.0.1 (cpu): 16 tokens"
    assert worth(random_weights=True) == "tiny at 127.0.0.1 (dummy weights, cpu): 16 tokens"
    held = {"gpus": {"vendor": "intel"}, "random_weights": True}
    assert worth(**held) == "tiny at 127.0.0.1 (dummy weights, xpu): 16 tokens"
    own = "docker.io/vllm/vllm-openai-cpu:v0.32.0"
    assert worth(**held, image=own) == "tiny at 127.0.0.1 (dummy weights, cpu): 16 tokens"


@pytest.mark.parametrize(
    ("fault", "check", "text"),
    [
        ("misnamed", "SRV-04", "tiny at 127.0.0.1: lists other"),
        ("mute", "SRV-04", "tiny at 127.0.0.1: a completion came to status 200, 0 tokens"),
        ("empty", "SRV-08", "tiny: the stream had nothing in it"),
        (
            "broken",
            "SRV-08",
            'tiny: the stream had an error in it: {"error": {"message": "EngineCore died", "code": 500}}',
        ),
        (
            "open",
            "SRV-09",
            "tiny: without a key status 200, with a wrong one status 200, /invocations status 404",
        ),
        (
            "beside",
            "SRV-09",
            "tiny: without a key status 401, with a wrong one status 401, /invocations status 200",
        ),
        ("renamed", "SRV-10", f"tiny: 11/12 names, without {METRICS[-1]}"),
    ],
)
def test_a_fault_is_said_by_its_own_check_alone(engine: Engine, fault: str, check: str, text: str) -> None:
    engine.faults.add(fault)

    found = said(asked())

    assert found[check] == (Status.FAIL, text)
    assert {each for each, (status, _) in found.items() if status is not Status.PASS} == {check}


@pytest.mark.parametrize("expose", ["load-balancer", "cluster"])
def test_a_model_without_a_chat_template_streams_a_text(engine: Engine, expose: str) -> None:
    engine.faults.add("base")

    found = said(asked(expose=expose))

    assert {status for status, _ in found.values()} == {Status.PASS}
    assert found["SRV-08"][1].startswith("tiny: first token of a text, for want of a chat template, after ")
    engine.faults.add("empty")
    assert said(asked(expose=expose))["SRV-08"] == (Status.FAIL, "tiny: the stream had nothing in it")


def test_a_stream_that_does_not_end_is_none(engine: Engine) -> None:
    engine.faults.add("endless")

    status, text = said(asked())["SRV-08"]

    assert status is Status.FAIL
    assert text.endswith(", and no end")


def test_a_model_that_is_ill_fails_once_and_is_not_asked_further(engine: Engine) -> None:
    engine.faults.add("ill")

    found = said(asked())

    assert found["SRV-04"] == (Status.FAIL, "tiny at 127.0.0.1: status 503")
    assert {found[check][0] for check in ("SRV-08", "SRV-09", "SRV-10")} == {Status.UNAVAILABLE}


@pytest.mark.parametrize(
    ("hands", "why"),
    [
        (Hands(address=None), "tiny: its Service has no address (LB-04)"),
        (Hands(key=None), "tiny: its key could not be read"),
    ],
)
def test_a_model_that_was_not_asked_passes_nothing(hands: Hands, why: str) -> None:
    assert set(said(asked(hands)).values()) == {(Status.UNAVAILABLE, why)}


def test_the_key_is_in_no_finding(engine: Engine) -> None:
    for fault in ("", "open", "misnamed", "ill"):
        engine.faults = {fault}
        assert KEY not in repr(asked())
    assert KEY not in repr(Endpoint("10.0.0.1", 80, KEY))
    assert KEY not in repr(Inside(Hands(key=None), "w1", "10.0.0.1", 80, KEY))
