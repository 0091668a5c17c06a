from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from checks.catalogue import Phase, all_checks, of_phase
from checks.collect.observed import Observed, Trouble, Window, observed
from checks.collect.script import Answer
from checks.finding import Severity, Status
from checks.preflight import preflight, stops
from checks.preflight.preflight import CLUSTER_JUDGES, HOST_JUDGES, UNREACHABLE
from deploy.observe import remains
from tests.unit.checks.faults import FAULTS, Fault, containerd, squatted
from tests.unit.checks.judging import AS_USER, judged, of, with_fault
from tests.unit.checks.machines import cluster, everyone, healthy, with_arcs


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.check}-{fault.found[:40]}")
def test_a_fault_is_found_on_its_host_only(fault: Fault) -> None:
    findings = judged(*with_fault(fault))

    found = of(findings, fault.check, fault.host)
    assert (found.status, str(found.severity), found.found, found.detail) == (
        Status.FAIL, fault.severity, fault.found, fault.detail,
    )  # fmt: skip
    assert found.wanted
    assert found.remedy
    mutual = fault.check in ("HOST-10", "HOST-11") and "too" in fault.found
    others = {each.host for each in findings if each.check == fault.check and each.status is Status.FAIL}
    assert others - {fault.host} == ({"cp1"} if mutual else set())


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.reads], ids=lambda fault: fault.check)
def test_what_could_not_be_read_is_unavailable_with_its_cause(fault: Fault) -> None:
    host = next(each for each in everyone() if each.host == fault.host)
    for name in fault.reads:
        blind = replace(host, **{name: None}, causes={name: "no answer in time"})  # type: ignore[arg-type]
        others = (each for each in everyone() if each.host != fault.host)

        found = of(judged(blind, *others), fault.check, fault.host)

        assert (found.status, found.found) == (Status.UNAVAILABLE, f"{name}: no answer in time")


def test_healthy_hosts_pass_everything_that_can_be_tried() -> None:
    findings = judged(*everyone())

    assert [each for each in findings if each.status not in (Status.PASS, Status.SKIPPED)] == []
    assert stops(findings) == []
    assert all(each.found for each in findings), "a pass says what was found, a skip why"


def test_every_preflight_check_speaks() -> None:
    spoken = {each.check for each in judged(*everyone())}

    assert {entry.id for entry in of_phase(Phase.PREFLIGHT)} - spoken == set()


def test_every_check_has_a_judge() -> None:
    judges = {*HOST_JUDGES, *CLUSTER_JUDGES, UNREACHABLE}
    mute = [entry.id for entry in of_phase(Phase.PREFLIGHT) if entry.id not in judges]

    assert mute == []
    assert judges - set(all_checks()) == set()


def test_every_host_judge_has_a_fault_in_the_table() -> None:
    untested = set(HOST_JUDGES) - {fault.check for fault in FAULTS}

    # k3s' own, the mirror's and the operator's have tests of theirs
    assert untested == {"RT-04", "K8S-07", "HOST-29", "NV-03"}


def test_the_same_fault_is_an_error_at_night() -> None:
    fault = next(each for each in FAULTS if each.check == "HOST-07")

    found = of(judged(*with_fault(fault), phase=Phase.DRIFT), "HOST-07", "w1")

    assert (found.severity, found.detail) == (Severity.ERROR, "")


def test_a_host_that_did_not_answer_is_judged_unavailable_not_good() -> None:
    dead = Observed(host="w1", trouble=Trouble("w1 (192.168.1.11 port 22): no answer in time"))
    cp1, _, g1 = everyone()

    findings = [each for each in judged(cp1, dead, g1) if each.host == "w1"]

    assert of(findings, "HOST-00", "w1").found == "w1 (192.168.1.11 port 22): no answer in time"
    assert {each.status for each in findings if each.check != "HOST-00"} == {Status.UNAVAILABLE}
    assert stops(findings) == [], "the engine knows which hosts a run can do without"


def test_a_user_without_root_fails_that_check() -> None:
    trouble = Trouble("w1: user 'ops' cannot become root without a password", answers=True)
    cp1, _, g1 = everyone()

    findings = judged(cp1, Observed(host="w1", trouble=trouble), g1)

    assert of(findings, "HOST-00", "w1").status is Status.PASS
    found = of(findings, "HOST-01", "w1")
    assert (found.status, found.found) == (Status.FAIL, trouble.text)
    assert [each.check for each in stops(findings)] == ["HOST-01"]


def test_a_user_without_root_is_told_which_facts_are_roots() -> None:
    trouble = Trouble("w1: user 'ops' cannot become root without a password", answers=True)
    answers = {name: Answer(text, 0) for name, text in AS_USER.items()}
    cp1, _, g1 = everyone()

    findings = judged(cp1, observed("w1", answers, Window(0, 1), trouble), g1)

    ends = {each.check: (each.status, each.found) for each in findings if each.host == "w1"}
    assert ends["HOST-01"] == (Status.FAIL, trouble.text)
    assert ends["HOST-03"] == (Status.PASS, "no swap device")
    for check, fact in {"HOST-17": "firewall", "HOST-27": "remains", "RT-07": "runtime"}.items():
        assert ends[check] == (Status.UNAVAILABLE, f"{fact}: only root may read it")


def test_an_address_of_the_pool_that_somebody_uses_is_named() -> None:
    cp1, w1, g1 = everyone()

    found = of(judged(cp1, squatted(w1), g1), "LB-03", None)

    assert found.found == "192.168.1.245 answers, as 00:11:22:33:44:55"


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9 is outside of 192.168.1.0/24"),
        ("192.168.1.1-192.168.1.5", "192.168.1.1-192.168.1.5 contains the gateway 192.168.1.1"),
        (
            "192.168.1.250-192.168.1.255",
            "192.168.1.250-192.168.1.255 contains 192.168.1.255, which is no host's address",
        ),
    ],
)
def test_a_pool_that_cannot_be_announced_says_why(pool: str, said: str) -> None:
    inventory = cluster(load_balancer={"pool": [pool]})

    assert of(judged(*everyone(), inventory=inventory), "LB-03", None).found == said


def test_a_pool_that_dhcp_gives_away_too_is_refused() -> None:
    balancer = {"pool": ["192.168.1.240-192.168.1.250"], "dhcp_range": "192.168.1.100-192.168.1.249"}

    found = of(judged(*everyone(), inventory=cluster(load_balancer=balancer)), "LB-03", None)

    assert found.found == (
        "192.168.1.240-192.168.1.250 overlaps what DHCP gives away, 192.168.1.100-192.168.1.249"
    )


@pytest.mark.parametrize(
    ("version", "check", "status"),
    [
        ("v1.34.1", "DRA-03", Status.FAIL),
        ("v1.34.2", "DRA-03", Status.PASS),
        ("v1.33.5", "DRA-02", Status.FAIL),
        ("v1.33.5", "INT-03", Status.FAIL),
        ("v1.36.3", "INT-03", Status.PASS),
    ],
)
def test_versions_that_do_not_fit_claimed_gpus_are_found_from_data(
    version: str, check: str, status: Status
) -> None:
    found = of(judged(*everyone(), inventory=cluster(kubernetes={"version": version})), check, None)

    assert (found.status, found.found) == (status, version)


def test_a_k3s_template_of_the_old_name_is_found() -> None:
    inventory = cluster(kubernetes={"distribution": "k3s", "version": "v1.36.3+k3s1"})
    old = containerd()(healthy())
    old = replace(old, runtime=replace(old.runtime, k3s_files={"config.toml.tmpl": "version = 2"}))  # type: ignore[type-var]

    found = of(judged(everyone()[0], old, with_arcs(), inventory=inventory), "RT-04", "w1")

    assert (found.status, found.found) == (Status.FAIL, "config.toml.tmpl")


def test_a_stand_in_for_k3s_is_told_from_k3s() -> None:
    inventory = cluster(kubernetes={"distribution": "k3s", "version": "v1.36.3+k3s1"})

    def kubelet(said: str) -> str:
        host = replace(healthy(), remains=remains.parse(f"version k3s k3s version v1.36.3+k3s1 ({said})"))
        return of(judged(everyone()[0], host, with_arcs(), inventory=inventory), "K8S-02", "w1").found

    assert kubelet("abcdef01") == "kubelet v1.36.3+k3s1"
    assert kubelet("k3s stand-in") == "kubelet v1.36.3+k3s1 (k3s stand-in)"


def test_a_node_password_of_another_life_is_found() -> None:
    inventory = cluster(kubernetes={"distribution": "k3s", "version": "v1.36.3+k3s1"})
    host = healthy()
    host = replace(host, remains=replace(host.remains, places=("/etc/rancher/node/password",)))  # type: ignore[type-var]

    found = of(judged(everyone()[0], host, with_arcs(), inventory=inventory), "K8S-07", "w1")

    assert (found.status, found.found) == (Status.FAIL, "/etc/rancher/node/password of another life")


def test_what_is_accepted_is_shown_until_its_last_day_and_counts_after_it() -> None:
    fault = next(each for each in FAULTS if each.check == "HOST-16")
    accepted = {"check": "HOST-16", "reason": "nginx moves next week", "expires": "2027-01-15"}
    inventory = cluster(ignore=[accepted])

    valid = of(judged(*with_fault(fault), inventory=inventory), "HOST-16", "w1")
    late = of(preflight(inventory, with_fault(fault), today=date(2027, 1, 16)), "HOST-16", "w1")

    assert valid.ignored == "nginx moves next week (until 2027-01-15)"
    assert (late.ignored, late.detail) == (None, "it was accepted until 2027-01-15: nginx moves next week")


def test_the_command_line_accepts_for_one_run() -> None:
    fault = next(each for each in FAULTS if each.check == "HOST-16")

    findings = judged(*with_fault(fault), ignored={"HOST-16"})

    assert of(findings, "HOST-16", "w1").ignored == "--ignore on the command line"
    assert stops(findings) == []
