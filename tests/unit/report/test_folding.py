"""What comes of one cause is told once for people, over all hosts, and whole for machines."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from xml.etree.ElementTree import fromstring

import pytest
from night import GOOD, STARTED

from checks.finding import Finding, Severity, Status
from checks.report import Report, render
from checks.report.folding import folded
from checks.report.report import key

REFUSED = "cp1: connection refused"
DOWN = Finding("K8S-14", None, Status.FAIL, found=REFUSED, remedy="See its logs.", group="kubernetes")
WHERE = (("K8S-02", None), *((check, host) for host in ("cp1", "w1", "w2") for check in ("K8S-01", "K8S-04")))
ECHOES = tuple(
    Finding(
        check,
        host,
        Status.UNAVAILABLE,
        found=REFUSED,
        group="kubernetes",
        because=(key(DOWN),),
    )
    for check, host in WHERE
)
CP1 = [each for each in ECHOES if each.host == "cp1"]
BEFORE = STARTED - timedelta(days=1)


def night(*findings: Finding) -> Report:
    since = {key(each): STARTED for each in findings}
    return replace(GOOD, verb="drift", findings=findings, titles={"K8S-14": "The API is up"}, since=since)


STORM = night(DOWN, *ECHOES)


def counts(report: Report) -> tuple[int, list[int]]:
    """Return how many are told alone, and together."""
    alone, folds = folded(report)
    return len(alone), [len(fold.findings) for fold in folds]


def test_a_storm_of_one_cause_is_one_line_over_all_hosts() -> None:
    assert render(STORM, "short") == (
        "× cluster: K8S-14 The API is up  found cp1: connection refused\n"
        "    since: this run\n"
        "    fix: See its logs.\n"
        "    more: slipway explain K8S-14\n"
        "? 7 checks                       unavailable: cp1: connection refused\n"
        "    cluster: K8S-02\n"
        "    cp1, w1, w2: K8S-01, K8S-04\n"
        "    likely because of: K8S-14 (cluster)\n"
        "    since: this run\n"
        "Status: × 1 error, 0 passed, 7 unavailable in 1.2 s\n"
    )


def test_in_the_long_text_it_stands_behind_what_could_be_judged() -> None:
    assert render(STORM, "text").partition("    more: slipway explain K8S-14\n")[2] == (
        "\n"
        "what cannot be judged\n"
        "---------------------\n"
        "? 7 checks  unavailable: cp1: connection refused\n"
        "    cluster: K8S-02\n"
        "    cp1, w1, w2: K8S-01, K8S-04\n"
        "    likely because of: K8S-14 (cluster)\n"
        "    since: this run\n"
        "\n"
        "Status: × 1 error, 0 passed, 7 unavailable in 1.2 s\n"
    )


def test_markdown_has_one_line_for_it() -> None:
    [line] = [line for line in render(STORM, "md").splitlines() if "unavailable: " in line]

    assert line == (
        "| ? | 7 checks | cluster: K8S-02; cp1, w1, w2: K8S-01, K8S-04 "
        "| unavailable: cp1: connection refused; likely because of K8S-14 (cluster); since this run |"
    )


def test_the_page_has_one_line_for_it_that_leads_to_the_cause_and_every_check_below() -> None:
    above, below = render(STORM, "html").split("<h2>All checks</h2>")

    assert above.count("unavailable: cp1: connection refused") == 1
    assert '<p class="quiet">cp1, w1, w2: <span class="id">K8S-01, K8S-04</span></p>' in above
    assert 'likely because of <a href="#K8S-14.cluster">K8S-14 (cluster)</a>' in above
    assert below.count("unavailable: cp1: connection refused") == len(ECHOES)


DEAF = tuple(
    Finding(
        "K8S-15",
        host,
        Status.FAIL,
        found="10.43.0.1:443 does not connect",
        wanted="it connects",
        remedy="Look at kube-proxy.",
        group="kubernetes",
        because=(key(DOWN),),
    )
    for host in ("cp1", "w1", "w2")
)
OWN = replace(DEAF[0], check="K8S-05", found="no process listens", wanted="one does")


def test_what_a_cause_brings_down_alike_is_one_line_and_what_is_another_thing_is_not() -> None:
    assert render(night(DOWN, OWN, *DEAF), "short") == (
        "× cluster: K8S-14 The API is up  found cp1: connection refused\n"
        "    since: this run\n"
        "    fix: See its logs.\n"
        "    more: slipway explain K8S-14\n"
        "× cp1: K8S-05                    found no process listens, wanted one does\n"
        "    likely because of: K8S-14 (cluster)\n"
        "    since: this run\n"
        "    fix: Look at kube-proxy.\n"
        "    more: slipway explain K8S-05\n"
        "× 3 checks                       found 10.43.0.1:443 does not connect, wanted it connects\n"
        "    cp1, w1, w2: K8S-15\n"
        "    likely because of: K8S-14 (cluster)\n"
        "    since: this run\n"
        "Status: × 5 errors, 0 passed in 1.2 s\n"
    )


def test_in_the_long_text_and_on_the_page_it_stands_beside_what_cannot_be_judged() -> None:
    long = render(night(DOWN, *DEAF, *ECHOES), "text")
    titles = [line for line in long.splitlines() if line.startswith("what ")]
    above = render(night(DOWN, *DEAF, *ECHOES), "html").split("<h2>All checks</h2>")[0]

    assert titles == ["what another fault brings down", "what cannot be judged"]
    assert long.count("wanted it connects") == above.count("wanted it connects") == 1
    assert "Look at kube-proxy." not in long + above


def test_failures_of_no_known_cause_or_of_another_weight_or_finding_are_told_one_by_one() -> None:
    first, *others = DEAF

    assert counts(night(*DEAF)) == (0, [3])
    assert counts(night(*(replace(each, because=()) for each in DEAF))) == (3, [])
    for other in (
        replace(first, severity=Severity.WARNING),
        replace(first, found="refused"),
        replace(first, wanted="2 answers"),
        replace(first, because=(("HOST-07", "cp1"),)),
        replace(first, ignored="in spring"),
    ):
        assert counts(night(other, *others)) == (3, [])


@pytest.mark.parametrize("form", ["json", "junit", "prometheus"])
def test_for_machines_each_stands_by_itself(form: str) -> None:
    said = render(STORM, form)

    match form:
        case "json":
            findings = json.loads(said)["findings"]
            assert [(each["check"], each["host"]) for each in findings] == [("K8S-14", None), *WHERE]
        case "junit":
            assert len(fromstring(said).findall(".//error")) == len(ECHOES)  # noqa: S314 - our own text
        case "prometheus":
            assert said.count("slipway_check_status{") == 1 + len(ECHOES)


def test_what_has_a_date_an_acceptance_or_a_detail_of_its_own_is_not_told_with_the_others() -> None:
    first, *others = ECHOES

    assert counts(STORM) == (1, [7])
    assert counts(replace(STORM, since={**STORM.since, key(first): BEFORE})) == (2, [6])
    assert counts(night(replace(first, ignored="in spring"), *others)) == (1, [6])
    assert counts(night(replace(first, detail="was accepted until 2026-11-29"), *others)) == (1, [6])
    assert counts(night(replace(first, detail=first.found), *others)) == (0, [7])


def test_what_is_accepted_together_says_so() -> None:
    accepted = night(*(replace(each, ignored="in spring") for each in ECHOES))

    for form in ("text", "short", "md", "html"):
        assert render(accepted, form).partition("All checks")[0].count("in spring") == 1, form


def test_two_causes_are_two_lines_and_so_are_two_reasons_without_a_cause() -> None:
    other = [replace(each, because=(("HOST-00", "cp1"),)) for each in ECHOES[:3]]
    lone = [replace(each, because=()) for each in ECHOES]

    assert counts(night(*other, *ECHOES[3:])) == (0, [3, 4])
    assert counts(night(*lone[:3], *(replace(each, found="timed out") for each in lone[3:]))) == (0, [3, 4])


def test_of_one_cause_that_was_found_in_many_ways_the_cause_is_told() -> None:
    several = [replace(each, found=f"{each.host} is silent") for each in ECHOES]

    assert render(night(*several), "short").splitlines()[0] == "? 7 checks  unavailable"
    assert counts(night(*several)) == (0, [7])


def test_a_few_are_told_one_by_one() -> None:
    assert counts(night(*CP1)) == (2, [])


def test_a_silent_host_is_one_line_and_not_one_per_check() -> None:
    silent = [
        Finding(f"HOST-0{number}", "w2", Status.UNAVAILABLE, found="the host does not answer", group="host")
        for number in range(1, 5)
    ]

    assert render(replace(GOOD, findings=tuple(silent)), "short") == (
        "? 4 checks  unavailable: the host does not answer\n"
        "    w2: HOST-01, HOST-02, HOST-03, HOST-04\n"
        "Status: ? 0 passed, 4 unavailable in 1.2 s\n"
    )
