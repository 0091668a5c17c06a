"""Waiting is bounded and says what it waits for."""

from __future__ import annotations

from checks.acceptance.gates import Gate, wait

GATE = Gate("pods", bound=10.0, every=1.0)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def time(self) -> float:
        return self.now


def waited(causes: list[str | None]) -> tuple[str | None, float, list[str]]:
    clock, told = Clock(), list[str]()
    left = iter(causes)
    cause = wait(GATE, lambda: next(left, "still not"), told.append, clock=clock.time, sleep=clock.sleep)
    return cause, clock.now, told


def test_what_is_there_is_not_waited_for() -> None:
    assert waited([None]) == (None, 0.0, [])


def test_each_new_cause_is_told_once() -> None:
    assert waited(["0/2", "0/2", "1/2", None]) == (
        None,
        3.0,
        ["waiting for pods: 0/2", "waiting for pods: 1/2", "waiting for pods: it is there"],
    )


def test_what_does_not_come_ends_with_its_last_cause() -> None:
    cause, seconds, _ = waited(["0/2"])

    assert (cause, seconds) == ("still not", 10.0)
