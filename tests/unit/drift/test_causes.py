"""What another fault brings down with it says so."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from checks.catalogue import Phase, all_checks
from checks.drift.causes import BRINGS_DOWN, caused
from checks.finding import Finding, Status
from checks.report.report import Key, key

CAUSES = {
    "a kernel that forwards nothing": (
        ("HOST-07", "w1"),
        {("K8S-15", "w1"), ("K8S-06", "w1"), ("K8S-06", "cp1"), ("LB-04", None)},
    ),
    "a stopped kubelet": (("K8S-13", "w1"), {("K8S-01", "w1"), ("K8S-03", "w1"), ("K8S-09", None)}),
    "a silent API server": (("K8S-14", None), {("K8S-03", "cp1"), ("K8S-05", "cp1"), ("K8S-15", "w1")}),
    "a host that is away": (("HOST-00", "w1"), {("K8S-01", "w1"), ("K8S-04", "w1"), ("K8S-09", None)}),
    "an edited static pod": (("K8S-05", "cp1"), {("K8S-09", "cp1")}),
    "no name server": (("K8S-09", None), {("K8S-06", "w1")}),
    "nobody who may announce": (("LB-02", None), {("LB-04", None)}),
    "an edited pool": (("LB-03", None), {("LB-04", None)}),
}


def night(*failed: Key, status: Status = Status.FAIL) -> list[Finding]:
    return [Finding(check, host, status) for check, host in failed]


def because(findings: list[Finding]) -> dict[Key, tuple[Key, ...]]:
    return {key(each): each.because for each in caused(findings) if each.because}


@pytest.mark.parametrize("name", CAUSES)
def test_a_fault_takes_with_it_what_rests_on_it(name: str) -> None:
    cause, effects = CAUSES[name]

    assert because(night(cause, *effects)) == dict.fromkeys(effects, (cause,))


@pytest.mark.parametrize("name", CAUSES)
def test_what_rests_on_something_that_is_well_has_a_cause_of_its_own(name: str) -> None:
    cause, effects = CAUSES[name]

    for status in (Status.PASS, Status.SKIPPED, Status.UNAVAILABLE):
        assert because([*night(cause, status=status), *night(*effects)]) == {}


def test_another_hosts_fault_is_no_cause() -> None:
    assert because(night(("K8S-13", "w1"), ("K8S-01", "w2"), ("K8S-04", "w2"), ("K8S-09", "cp1"))) == {}
    assert because(night(("HOST-07", "w1"), ("K8S-15", "w2"))) == {}
    assert because(night(("K8S-09", "cp1"), ("K8S-06", "w1"))) == {}  # a static pod is no name server


def test_what_is_well_needs_no_cause() -> None:
    fault, well = night(("K8S-13", "w1")), night(("K8S-01", "w1"), status=Status.PASS)

    assert caused([*fault, *well]) == [*fault, *well]


def test_what_cannot_be_judged_has_the_cause_of_that() -> None:
    unread = night(("K8S-04", "w1"), status=Status.UNAVAILABLE)

    assert because([*night(("K8S-13", "w1")), *unread]) == {("K8S-04", "w1"): (("K8S-13", "w1"),)}


def test_who_cannot_say_more_than_anothers_fault_has_it_as_cause() -> None:
    refused = "cp1: connection refused"
    fault = Finding("K8S-14", None, Status.FAIL, found=refused)
    silent = [Finding("LB-04", None, Status.UNAVAILABLE, found=refused)]
    other = [Finding("RT-13", None, Status.UNAVAILABLE, found="the API listed no pods")]

    assert because([fault, *silent, *other]) == {("LB-04", None): (("K8S-14", None),)}
    assert (
        because([Finding("K8S-14", None, Status.FAIL), *night(("LB-04", None), status=Status.UNAVAILABLE)])
        == {}
    )


def test_a_cluster_whose_control_plane_is_away_is_silent_because_of_that() -> None:
    refused = "cp1 (192.0.2.1 port 22): connection refused"
    away = Finding("HOST-00", "cp1", Status.FAIL, found=refused)
    away_too = Finding("HOST-00", "w1", Status.FAIL, found="w1 (192.0.2.2 port 22): connection refused")
    silent = Finding("K8S-14", None, Status.FAIL, found=f"{refused}; cp2: the API refuses")
    nothing = Finding("RT-13", None, Status.UNAVAILABLE, found=silent.found)
    expected: tuple[Key, ...] = (("HOST-00", "cp1"),)

    assert because([away, away_too, silent, nothing]) == {
        ("K8S-14", None): expected,
        ("RT-13", None): expected,
    }


@pytest.mark.parametrize("cause", ["HOST-00", "HOST-01"])
def test_what_could_not_be_looked_at_on_a_host_is_silent_because_of_that(cause: str) -> None:
    fault = Finding(cause, "w1", Status.FAIL, found="w1 (192.0.2.2 port 22): it is in the way")
    silent = Finding("HOST-17", "w1", Status.UNAVAILABLE, found="firewall: only root may read it")
    other = Finding("HOST-17", "w2", Status.UNAVAILABLE, found="nft ended with 1")
    seen = Finding("HOST-03", "w1", Status.FAIL, found="/dev/sda2")

    assert because([fault, silent, other, seen]) == {("HOST-17", "w1"): ((cause, "w1"),)}
    assert because([Finding(cause, "w1", Status.PASS), silent]) == {}


def test_of_a_host_that_is_away_nobody_knows_whether_it_would_give_root() -> None:
    away = Finding("HOST-00", "w1", Status.FAIL, found="w1 (192.0.2.2 port 22): no route")
    silent = Finding("HOST-01", "w1", Status.UNAVAILABLE, found="the host does not answer (HOST-00)")

    assert because([away, silent]) == {("HOST-01", "w1"): (("HOST-00", "w1"),)}


def test_of_a_chain_the_first_is_named_and_of_several_all() -> None:
    chain = night(("K8S-13", "w1"), ("K8S-09", None), ("LB-02", None), ("LB-04", None))
    several = night(("HOST-07", "w1"), ("LB-03", None), ("LB-04", None))

    assert because(chain)["LB-04", None] == (("K8S-13", "w1"),)
    assert because(several) == {("LB-04", None): (("HOST-07", "w1"), ("LB-03", None))}


def test_the_table_knows_nightly_checks_and_goes_round_in_no_circle() -> None:
    graph = {cause: {id_ for ids in reach.values() for id_ in ids} for cause, reach in BRINGS_DOWN.items()}

    for id_ in TopologicalSorter(graph).static_order():
        assert Phase.DRIFT in all_checks()[id_].phases, id_
