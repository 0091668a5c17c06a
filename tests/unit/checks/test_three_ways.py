"""Every check of preflight is seen to pass, to fail, and to be unavailable where its facts cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import fields, replace
from datetime import date
from functools import cache

import pytest

from checks.catalogue import Phase, of_phase
from checks.collect.observed import Observed, Trouble
from checks.finding import Finding, Severity, Status
from checks.preflight import preflight
from checks.preflight.preflight import HOST_JUDGES
from checks.preflight.verdicts import Case as HostCase
from checks.preflight.verdicts import Said, UnreadError
from checks.preflight.versions import sources, tags
from deploy.model import Cluster
from deploy.observe.remains import Remains
from deploy.observe.runtime import Runtime
from tests.unit.checks.faults import FAULTS, hopper, squatted
from tests.unit.checks.machines import cluster, everyone
from tests.unit.checks.well import K3S, MODEL, OF_THE_HUB, Case, cases, given, probed

TODAY = date(2027, 1, 15)
CAUSE = "no answer in time"
NO_FACT = ("host", "window", "trouble", "causes", "active")
FACTS = tuple(each.name for each in fields(Observed) if each.name not in NO_FACT)
TRIED = [entry.id for entry in of_phase(Phase.PREFLIGHT)]
# judged from the inventory and the catalogue alone: there is nothing on a host that could not be read
OF_DATA = {"DRA-02", "DRA-03", "INT-03", "RT-10", "RT-11", "SRV-01", "SRV-05"}
# the catalogue's own images have fixed tags and maintained sources (others are tried below)
NEVER_FAIL = {"RT-10", "RT-11"}


def judged(inventory: Cluster, hosts: tuple[Observed, ...]) -> list[Finding]:
    return preflight(inventory, hosts, today=TODAY)


def blind(host: Observed, fact: str) -> Observed:
    return replace(host, **{fact: None}, causes={fact: CAUSE})  # type: ignore[arg-type]


def faulty() -> Iterator[Case]:
    """Every fault of the table on its host, and those that only another inventory shows."""
    cp1, w1, g1 = everyone()
    for fault in FAULTS:
        yield (
            cluster(),
            tuple(fault.break_(each) if each.host == fault.host else each for each in (cp1, w1, g1)),
        )
    slow = replace(probed(w1), speed=4.2)
    yield cluster(artifacts={"mirror": "http://192.168.1.2:8080"}), (cp1, slow, g1)
    old = Runtime((2, 3, 7), True, {}, False, {"config.toml.tmpl": "version = 2"}, {})
    yield cluster(kubernetes=K3S), (cp1, replace(w1, runtime=old), g1)
    password = Remains(("/etc/rancher/node/password",), (), (), None, {})
    yield cluster(kubernetes=K3S), (cp1, replace(w1, remains=password), g1)
    yield cluster(), (cp1, squatted(w1), g1)
    yield cluster(), (cp1, Observed(host="w1", trouble=Trouble(CAUSE)), g1)
    yield cluster(kubernetes={"version": "v1.34.1"}), (cp1, w1, g1)
    yield cluster(kubernetes={"version": "v1.33.5"}), (cp1, w1, g1)
    large = {**MODEL, "shared_memory": "1Gi", "weights": "40Gi", "drain_seconds": 5}
    yield cluster(models=[large]), (cp1, w1, g1)
    nodes = cluster().model_dump(mode="json")["nodes"]
    nodes[1]["gpus"] = {"vendor": "nvidia", "model": "H100", "count": 1}
    yield cluster(nodes=nodes, gpu={"nvidia": {"driver": "operator"}}), (cp1, hopper(w1), g1)
    yield cluster(models=[OF_THE_HUB]), tuple(given(each, 404) for each in (cp1, w1, g1))


@cache
def dark() -> tuple[tuple[Case, str, tuple[Finding, ...]], ...]:
    """Take each fact away in turn, from all hosts at once: the case, the fact, and what is said then."""
    return tuple(
        (case, fact, tuple(judged(case[0], tuple(blind(host, fact) for host in case[1]))))
        for case in cases()
        for fact in FACTS
    )


def ends(found: Iterator[Case] | tuple[Case, ...], status: Status) -> set[str]:
    return {each.check for case in found for each in judged(*case) if each.status is status}


def test_every_check_is_seen_to_pass() -> None:
    assert set(TRIED) - ends(cases(), Status.PASS) == set()


def test_every_check_is_seen_to_fail() -> None:
    assert set(TRIED) - ends(faulty(), Status.FAIL) == NEVER_FAIL


def test_every_check_is_seen_to_be_unavailable_with_its_cause() -> None:
    seen = {
        each.check
        for _, _, findings in dark()
        for each in findings
        if each.status is Status.UNAVAILABLE and CAUSE in each.found
    }

    # a host that does not answer at all is that check's fail
    assert set(TRIED) - seen == OF_DATA | {"HOST-00"}


def test_no_fault_is_a_pass_when_a_fact_cannot_be_read() -> None:
    passed = []
    for fault in FAULTS:
        hosts = tuple(fault.break_(each) if each.host == fault.host else each for each in everyone())
        broken = next(each for each in hosts if each.host == fault.host)
        for fact in FACTS:
            case = HostCase(cluster(), cluster().node(fault.host), blind(broken, fact), hosts)
            with suppress(UnreadError):
                if HOST_JUDGES[fault.check](case).status is Status.PASS:
                    passed.append((fault.check, fault.found, fact))

    assert passed == []


def test_a_fact_that_cannot_be_read_makes_no_check_fail() -> None:
    failing = {
        id(case): {each.check for each in judged(*case) if each.status is Status.FAIL}
        for case in {id(case): case for case, _, _ in dark()}.values()
    }
    wrong = {
        (each.check, fact)
        for case, fact, findings in dark()
        for each in findings
        if each.status is Status.FAIL and each.check not in failing[id(case)]
    }

    assert wrong == set()


@pytest.mark.parametrize(
    ("judge", "ref", "said", "severity"),
    [
        (sources, "docker.io/bitnami/redis:7.2", "its versioned tags were removed in 2025", None),
        (sources, "docker.io/minio/minio:x", "it was deleted in 2026", None),
        (sources, "quay.io/minio/minio:x", "it is archived", Severity.WARNING),
        (sources, "gcr.io/k8s-staging-nfd/nfd:v1", "staging images are deleted", Severity.WARNING),
        (tags, "ghcr.io/org/app:latest", None, None),
        (tags, "ghcr.io/org/app", None, None),
    ],
)
def test_an_image_that_will_be_another_or_gone_is_named(
    judge: Callable[[list[str]], Said], ref: str, said: str | None, severity: Severity | None
) -> None:
    good = "registry.k8s.io/pause:3.10"
    found = judge([good, ref])

    assert (found.status, found.found) == (Status.FAIL, f"{ref}: {said}" if said else ref)
    assert found.severity is severity
    assert judge([good]).status is Status.PASS


def test_what_nobody_could_look_for_is_not_called_free() -> None:
    inventory, hosts = cases()[0]
    blinded = tuple(blind(host, "network") for host in hosts)
    probes = tuple(replace(host, active=True, causes={"arp": "the probe needs python3"}) for host in hosts)

    said = {
        each.found
        for found in (blinded, probes)
        for each in judged(inventory, found)
        if each.check == "LB-03"
    }

    assert said == {"network: no answer in time", "arp: the probe needs python3"}
