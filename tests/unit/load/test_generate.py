from __future__ import annotations

import time
from itertools import pairwise
from random import Random

import gevent
import pytest

from deploy.load import generate
from deploy.load.generate import LevelRun, Limits, arrivals
from deploy.load.level import Load
from deploy.load.run import Bench
from deploy.load.sample import Sample
from deploy.load.target import Target
from deploy.load.workload import Workload
from tests.unit.load.server import KEY, Behaviour, Fake, serving


def seeded() -> Random:
    return Random(1)  # noqa: S311 - arrivals, no secret


def bench(server: Fake, *, seconds: float = 60, requests: int = 1000, timeout: float = 10) -> Bench:
    limits = Limits(seconds, requests, timeout)
    return Bench(Target(server.url, "tiny", KEY), Workload(prompt_words=4), limits, "run")


def test_arrivals_are_a_poisson_process_that_ends_in_time() -> None:
    due = list(arrivals(50, Limits(100, 100_000, 1), seeded()))
    gaps = [after - before for before, after in pairwise(due)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)

    assert due[0] > 0
    assert due[-1] < 100
    assert mean == pytest.approx(1 / 50, rel=0.05)
    assert variance**0.5 == pytest.approx(mean, rel=0.05)


def test_arrivals_are_the_same_in_every_run_and_not_more_than_wanted() -> None:
    twice = [list(arrivals(2, Limits(1000, 7, 1), seeded())) for _ in range(2)]

    assert twice[0] == twice[1]
    assert len(twice[0]) == 7


def test_clients_wait_for_their_answers() -> None:
    with serving(Behaviour(first=0.1, tokens=2)) as server:
        [level], interrupted = bench(server, requests=6).levels([Load(clients=2)], 0, lambda _: None)

    assert (level.answered, level.errors, len(server.asked), interrupted) == (6, 0, 6, False)
    assert level.seconds >= 0.3
    assert level.output_tokens == 12


def test_no_request_starts_after_the_time_and_those_under_way_are_counted() -> None:
    passed = [0.0]

    def ask(due: float) -> Sample:
        passed[0] += 0.25
        return Sample(due, due, passed[0])

    level = LevelRun(ask, Limits(0.6, 1000, 10), clock=lambda: passed[0])
    level.run(Load(clients=1), seeded())

    assert [each.end for each in level.samples] == [0.25, 0.5, 0.75]


def test_warming_up_is_not_counted_and_every_client_does_it() -> None:
    with serving(lambda number: Behaviour(tokens=2 if number < 4 else 5)) as server:
        [level], _ = bench(server, requests=3).levels([Load(clients=2)], 2, lambda _: None)

    assert len(server.asked) == 4 + 3
    assert (level.answered, level.output_tokens) == (3, 15)


def test_every_request_of_a_run_has_a_prompt_of_its_own() -> None:
    with serving(Behaviour()) as server:
        bench(server, requests=5).levels([Load(clients=2), Load(rate=100)], 1, lambda _: None)

    prompts = [each["messages"][0]["content"] for each in server.asked]
    assert len(prompts) == 2 + 5 + 1 + 5
    assert len(set(prompts)) == len(prompts)


def test_failures_are_counted_by_kind_and_the_others_go_on() -> None:
    kinds = [
        Behaviour(),
        Behaviour(status=503, body="overloaded"),
        Behaviour(break_after=1),
        Behaviour(status=401, body="wrong key"),
        Behaviour(status=503, body="still overloaded"),
        Behaviour(first=30),
    ]
    with serving(lambda number: kinds[number]) as server:
        [level], _ = bench(server, requests=6, timeout=2).levels([Load(clients=6)], 0, lambda _: None)

    assert level.answered == 1
    assert level.failed == {"HTTP 503": 2, "stream broke off": 1, "HTTP 401": 1, "timeout": 1}


def test_arrivals_do_not_wait_for_a_slow_server() -> None:
    with serving(Behaviour(first=0.5, tokens=2)) as server:
        [level], _ = bench(server, seconds=1.0).levels([Load(rate=20)], 0, lambda _: None)

    assert level.answered == len(list(arrivals(20, Limits(1.0, 1000, 1), seeded())))
    assert level.seconds < 8  # one after another they take ten


def test_under_a_rate_the_wait_for_a_turn_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """One at a time, 0.1 s each, due at once: the last of ten is over after one second, and says so."""
    monkeypatch.setattr(generate, "IN_FLIGHT", 1)
    with serving(Behaviour(first=0.1, tokens=2)) as server:
        [level], _ = bench(server, requests=10).levels([Load(rate=1000)], 0, lambda _: None)

    assert level.first_token is not None
    assert level.end_to_end is not None
    assert level.first_token.max >= 0.9
    assert level.end_to_end.p50 >= 0.4


def test_who_gets_no_turn_in_time_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "IN_FLIGHT", 1)

    def hold(due: float) -> Sample:
        gevent.sleep(1.0)
        return Sample(due, due, time.monotonic())

    level = LevelRun(hold, Limits(60, 3, 0.3))
    level.run(Load(rate=1000), seeded())

    said = [(each.fault, each.said) for each in level.samples]
    assert said == [("not sent", "1 requests were under way for 0.3 s")] * 2 + [("", "")]


def test_an_interrupted_level_has_what_it_had_and_leaves_nobody_asking() -> None:
    told: list[str] = []
    with serving(Behaviour(first=0.05, tokens=2)) as server:
        asked = bench(server, seconds=30)
        main = gevent.spawn(asked.levels, [Load(clients=1), Load(clients=2)], 0, told.append)
        while len(server.asked) < 4:
            gevent.sleep(0.02)
        main.kill(KeyboardInterrupt, block=False)
        [level], interrupted = main.get(timeout=10)
        count = len(server.asked)
        gevent.sleep(0.3)

    assert interrupted
    assert told == ["1 client: warming up, then 30 s"]
    assert level.answered in (3, 4)
    assert level.errors == 0
    assert len(server.asked) == count


def test_a_machine_that_is_too_busy_to_measure_is_found_out() -> None:
    def busy(due: float) -> Sample:
        gevent.sleep(0.001)
        until = time.monotonic() + 0.1
        while time.monotonic() < until:
            pass
        return Sample(due, due, until)

    level = LevelRun(busy, Limits(60, 5, 10))
    level.run(Load(clients=1), seeded())

    assert max(level.lags) > 0.05
