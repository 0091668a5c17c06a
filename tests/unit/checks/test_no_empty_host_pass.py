"""A night's judges of hosts, each given nothing where it looks: what was not read is never good."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from checks.catalogue import Phase
from checks.collect.observed import Observed, observed
from checks.collect.script import Answer
from checks.finding import Status
from checks.preflight import preflight
from tests.unit.checks.machines import cluster, everyone

CLUSTER = cluster()
READ = [
    each.name
    for each in fields(Observed)
    if each.name not in ("host", "window", "trouble", "causes", "active", "fsync", "mesh", "arp", "speed")
]
# A host without any firewall has nothing to say about one.
SAYS_NOTHING = {("HOST-17", "firewall")}


def passed(host: Observed) -> set[str]:
    """Return what a night finds good about one host, among the others that are well."""
    hosts = [host if each.host == host.host else each for each in everyone()]
    findings = preflight(CLUSTER, hosts, phase=Phase.DRIFT)
    return {each.check for each in findings if each.host == host.host and each.status is Status.PASS}


def after(host: Observed, name: str, text: str) -> Observed:
    """Return a host whose reader of that name was told this, by its real parser."""
    told = observed(host.host, {name: Answer(text, 0)}, host.window)
    return replace(host, **{name: getattr(told, name)}, causes=told.causes)


def pairs() -> list[tuple[str, str, str]]:
    """Return (host, check, field) for every check that cannot be judged without that field."""
    return [
        (host.host, check, name)
        for host in everyone()
        for name in READ
        if getattr(host, name) is not None
        for check in sorted(passed(host) - passed(replace(host, **{name: None})))
    ]


def test_without_any_fact_nothing_passes_but_that_the_host_answered() -> None:
    for host in everyone():
        assert passed(Observed(host=host.host, window=host.window)) <= {"HOST-00"}, host.host


@pytest.mark.parametrize("text", ["", "\n", "nonsense\n", "a b c\nd=e\n"])
@pytest.mark.parametrize(("name", "check", "field"), pairs())
def test_a_reader_that_was_told_nothing_lets_nothing_pass(
    name: str, check: str, field: str, text: str
) -> None:
    host = next(each for each in everyone() if each.host == name)

    assert check not in passed(after(host, field, text)) or (check, field) in SAYS_NOTHING


@pytest.mark.parametrize("model", ["A770", "MI300X", "H100"])
def test_a_declared_gpu_that_is_not_there_lets_nothing_pass_that_is_about_gpus(model: str) -> None:
    vendor = {"A770": "intel", "MI300X": "amd", "H100": "nvidia"}[model]
    nodes = CLUSTER.model_dump(mode="json")["nodes"]
    nodes[2] |= {"gpus": {"vendor": vendor, "model": model, "count": 2}}
    bare = after(everyone()[2], "pci", "bus\n")

    findings = preflight(cluster(nodes=nodes), [*everyone()[:2], bare], phase=Phase.DRIFT)

    about = [each for each in findings if each.host == "g1" and each.group in ("gpu", "int", "amd", "nv")]
    assert {each.check: each.status for each in about}["GPU-01"] is Status.FAIL
    assert {each.check for each in about if each.status is Status.PASS} <= {"GPU-09"}  # nobody else uses one


def test_what_may_say_nothing_is_judged_by_it() -> None:
    assert {(check, field) for _, check, field in pairs()} >= SAYS_NOTHING
