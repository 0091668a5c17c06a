"""What somebody is told: each change once, what gets worse too, and nothing that they accepted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from test_compare import CLOCK, POOL, SWAP, SYSCTL, night

from checks.drift.compare import compared
from checks.drift.news import News, Told, news
from checks.finding import Finding, Severity, Status
from checks.report import Report
from checks.report.report import Key, key
from deploy.model.row import Row, State

ENDS = "K8S-03"
ROW = Row("baseline", "w1", "Write", State.CHANGE)


def finding(found: str, severity: Severity = Severity.ERROR, **more: object) -> Finding:
    return replace(Finding(ENDS, "cp1", Status.FAIL, severity, found=found), **more)  # type: ignore[arg-type]


def report(*said: Finding | Row, unreachable: Sequence[str] = ()) -> Report:
    """Return the second night's report: what it said the night before plays no part."""
    rows = tuple(each for each in said if isinstance(each, Row))
    findings = tuple(each for each in said if isinstance(each, Finding))
    bare = replace(night(1), findings=findings, rows=rows)
    return compared(replace(bare, unreachable=dict.fromkeys(unreachable, "no route")), None)


def after(*said: Finding | Row) -> Told:
    """Return what is known to who was told of this."""
    return news(report(*said), {}).known


def of(found: News) -> tuple[int, int, int]:
    return len(found.new), len(found.changed), len(found.gone)


FAULTS: tuple[tuple[Key, ...], ...] = (
    (),
    (SWAP,),
    (SWAP,),
    (SWAP, SYSCTL),
    (SYSCTL,),
    (SYSCTL,),
    (),
    (),
    (CLOCK,),
    (CLOCK, SWAP),
    (CLOCK, SWAP),
    (CLOCK, SWAP, POOL),
    (POOL,),
    (),
)


def test_fourteen_nights_are_told_one_message_per_change() -> None:
    told: Told = {}
    said: list[tuple[int, int, int, int]] = []
    last: Report | None = None
    for number, faults in enumerate(FAULTS):
        last = compared(night(number, *faults), last)
        found = news(last, told)
        told = found.known
        if found:
            said.append((number, *of(found)))

    assert said == [
        (1, 1, 0, 0),
        (3, 1, 0, 0),
        (4, 0, 0, 1),
        (6, 0, 0, 1),
        (8, 1, 0, 0),
        (9, 1, 0, 0),
        (11, 1, 0, 0),
        (12, 0, 0, 2),
        (13, 0, 0, 1),
    ]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (finding("ends in 29 days", Severity.WARNING), finding("ends in 6 days")),
        (finding("CoreDNS 0/2, flannel 2/2"), finding("CoreDNS 0/2, flannel 1/2")),
        (finding("5 of 8 GPUs at full width"), finding("4 of 8 GPUs at full width")),
        (finding("begins only on 2026-12-01"), finding("begins only on 2026-12-02")),
        (finding("", status=Status.UNAVAILABLE), finding("ends in 6 days")),
        (replace(ROW, diff="-a"), replace(ROW, diff="-b")),
        (ROW, replace(ROW, state=State.ERROR)),
    ],
)
def test_what_got_worse_or_is_another_fault_is_told(before: Finding | Row, now: Finding | Row) -> None:
    assert of(news(report(now), after(before))) == (0, 1, 0)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("a.crt ends in 6 days", "a.crt ends in 5 days"),
        ("3 GiB free on / for images", "2 GiB free on / for images"),
        ("/ is 97 % full", "/ is 98 % full"),
        ("22 slow fdatasync in a day", "40 slow fdatasync in a day"),
        ("3 x PLEG is not healthy", "1 x PLEG is not healthy"),
        ("22: by sshd (pid 812)", "22: by sshd (pid 4711)"),
        ("2.4 s off", "41.0 s off"),
        ("qwen 5 restarts", "qwen 6 restarts"),
        ("3 of 40 GiB free in /data, 20Gi declared", "2 of 40 GiB free in /data, 20Gi declared"),
        ("Connection timed out after 10001 milliseconds", "Connection timed out after 10002 milliseconds"),
        ("pleg was last seen active 18h23m4.5s ago", "pleg was last seen active 42h25m0s ago"),
        (
            "read tcp 10.0.0.1:45678->10.0.0.2:10250: timeout",
            "read tcp 10.0.0.1:39444->10.0.0.2:10250: timeout",
        ),
        (
            "certificate has expired: current time 2026-11-30T03:17:02Z is after 2026-11-29T00:00:00Z",
            "certificate has expired: current time 2026-12-01T03:17:09Z is after 2026-11-29T00:00:00Z",
        ),
    ],
)
def test_amounts_that_change_by_themselves_wake_nobody(before: str, now: str) -> None:
    assert not news(report(finding(now)), after(finding(before)))


def test_who_speaks_for_the_cluster_is_no_news() -> None:
    spoken = replace(ROW, phase="nodes", host="cp1", of_cluster=True)

    assert not news(report(replace(spoken, host="cp2")), after(spoken))
    assert of(news(report(replace(ROW, host="cp2")), after(replace(ROW, host="cp1")))) == (1, 0, 1)


def test_what_somebody_accepted_and_notes_are_neither_news_nor_gone() -> None:
    accepted = finding("ends in 6 days", ignored="in spring (until 2027-03-31)")
    note = finding("one more", Severity.INFO)
    row = replace(ROW, ignored="later (until 2027-03-31)")

    assert news(report(accepted, row), {}) == news(report(note), {}) == News((), (), (), {})
    assert not news(report(), after(accepted, row))


def test_a_fault_that_was_told_is_no_news_when_it_is_accepted_and_is_when_that_is_over() -> None:
    fault = finding("ends in 6 days")
    accepted = news(report(replace(fault, ignored="in spring")), after(fault))

    assert not accepted
    assert news(report(fault), accepted.known).new == ((ENDS, "cp1"),)


def test_a_fault_that_could_not_be_read_for_a_night_is_no_news_when_it_is_still_there() -> None:
    fault = finding("ends in 6 days")
    silent = news(report(replace(fault, status=Status.UNAVAILABLE)), after(fault))

    assert not silent
    assert not news(report(fault), silent.known)


def test_what_cannot_be_read_any_more_is_told_once() -> None:
    silent = finding("timed out", status=Status.UNAVAILABLE)
    found = news(report(silent), {})

    assert found.new == ((ENDS, "cp1"),)
    assert not news(report(replace(silent, found="connection refused")), found.known)
    assert news(report(), found.known).gone == ((ENDS, "cp1"),)


def test_of_a_host_that_gives_no_root_that_alone_is_told_and_what_was_wrong_with_it_is_kept() -> None:
    fault, row = finding("ends in 6 days"), replace(ROW, host="cp1")
    denied = Finding("HOST-01", "cp1", Status.FAIL, found="user 'ops' is not root")
    unread = "the host gives no root (HOST-01)"
    silent = [finding(unread, status=Status.UNAVAILABLE, check=each) for each in (ENDS, "K8S-05")]
    before = after(fault, row)
    night_before = compared(report(fault, row), None)
    rootless = compared(report(denied, *silent), night_before)

    told = news(rootless, before)
    assert (told.new, told.changed, told.gone) == ((("HOST-01", "cp1"),), (), ())
    back = news(report(fault, row), told.known)
    assert (back.new, back.changed, back.gone) == ((), (), (("HOST-01", "cp1"),))


def test_of_a_host_that_is_away_that_alone_is_told_and_what_was_wrong_with_it_is_kept() -> None:
    fault, row = finding("ends in 6 days"), replace(ROW, host="cp1")
    lost = Finding("HOST-00", "cp1", Status.FAIL, found="no route")
    silent = finding("the host could not be read", status=Status.UNAVAILABLE)
    cut_off = finding("not ready", check="K8S-01")  # which the API says of it
    away = news(report(lost, silent, cut_off, unreachable=["cp1"]), after(fault, row))

    assert (away.new, away.changed, away.gone) == ((("HOST-00", "cp1"),), (), ())
    back = news(report(fault, row), away.known)
    assert (back.new, back.changed, back.gone) == ((), (), (("HOST-00", "cp1"),))


DOWN = Finding("K8S-14", None, Status.FAIL, found="connection refused")
ECHO = finding("connection refused", status=Status.UNAVAILABLE, because=(key(DOWN),))


def test_what_cannot_be_judged_because_of_a_fault_that_is_told_is_no_news_beside_it() -> None:
    down = news(report(DOWN, ECHO), {})

    assert (down.new, [*down.known]) == ((key(DOWN),), [key(DOWN)])
    assert not news(report(DOWN, ECHO), down.known)
    assert news(report(), down.known).gone == (key(DOWN),)


def test_what_cannot_be_judged_is_news_when_nobody_is_told_of_its_cause() -> None:
    accepted = replace(DOWN, ignored="in spring (until 2027-03-31)")

    assert news(report(accepted, ECHO), {}).new == (key(ECHO),)
    assert news(report(replace(ECHO, because=())), {}).new == (key(ECHO),)


def test_what_failed_is_news_whatever_it_comes_from() -> None:
    failed = replace(ECHO, status=Status.FAIL)

    assert news(report(DOWN, failed), {}).new == (key(DOWN), key(failed))


def test_a_fault_that_a_greater_one_hides_is_neither_gone_nor_news_when_it_is_seen_again() -> None:
    fault = finding("ends in 6 days")
    hidden = news(report(DOWN, ECHO), after(fault))

    assert of(hidden) == (1, 0, 0)
    back = news(report(fault), hidden.known)
    assert (of(back), back.gone) == ((0, 0, 1), (key(DOWN),))


def test_what_still_cannot_be_judged_when_its_cause_is_gone_is_news() -> None:
    down = news(report(DOWN, ECHO), {})

    assert news(report(replace(ECHO, because=())), down.known).new == (key(ECHO),)
