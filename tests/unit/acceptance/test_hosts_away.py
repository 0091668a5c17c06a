"""Hosts that do not answer, give no root or are lost on the way: nothing of them passes."""

from __future__ import annotations

from clusters import CLUSTER, LOCK, Ran
from test_acceptance_runner import answers, on, prove

from checks.acceptance.runner import prove_hosts
from deploy.errors import UnreachableError


def test_a_host_that_does_not_answer_passes_nothing() -> None:
    findings = on("w1", prove(unreachable={"w1": "no route to w1"}))

    assert findings[0] == ("HOST-00", "fail", "no route to w1", "an answer")
    assert {each[1:3] for each in findings[1:]} == {("unavailable", "the host does not answer (HOST-00)")}
    assert len(findings) == len(on("w1", prove()))


def test_a_host_that_gives_no_root_answers_and_passes_nothing_else() -> None:
    denied = "[HOST-01] w1 (10.0.0.12 port 22): user 'ops' is not root"

    def run(host: str, command: str) -> Ran:
        assert host != "w1", "it cannot be asked"
        return answers()(host, command)

    all_ = prove_hosts(CLUSTER, run, {"w1": denied}, {"lock": LOCK}, rootless=["w1"])
    findings = on("w1", all_)

    assert findings[:2] == [
        ("HOST-00", "pass", "an answer", "an answer"),
        ("HOST-01", "fail", denied, "uid 0"),
    ]
    assert {each[1:3] for each in findings[2:]} == {("unavailable", "the host gives no root (HOST-01)")}
    assert [each[0] for each in findings] == [each[0] for each in on("w1", prove())]
    assert on("cp1", all_) == on("cp1", prove())


def test_a_host_that_is_lost_later_has_not_lost_root() -> None:
    findings = prove_hosts(CLUSTER, answers(), {"w1": "no route"}, {"lock": LOCK}, rootless=["cp1"])

    assert on("w1", findings)[0] == ("HOST-00", "fail", "no route", "an answer")
    assert on("cp1", findings)[1] == ("HOST-01", "pass", "uid 0", "uid 0")


def test_a_host_that_is_lost_on_the_way_keeps_what_was_seen_before() -> None:
    good = answers()

    def run(host: str, command: str) -> Ran:
        if host == "w1" and command.startswith("sysctl"):
            raise UnreachableError("the connection was lost")
        return good(host, command)

    findings = on("w1", prove_hosts(CLUSTER, run, {}, {"lock": LOCK}))

    assert [each[:3] for each in findings[:5]] == [
        ("HOST-00", "fail", "the connection was lost"),
        ("HOST-01", "unavailable", "the host does not answer (HOST-00)"),
        ("HOST-03", "pass", "no swap"),
        ("HOST-06", "pass", "overlay and /proc/sys/net/bridge"),
        ("HOST-07", "unavailable", "the host does not answer (HOST-00)"),
    ]
    assert {each[1] for each in findings[5:]} == {"unavailable"}
