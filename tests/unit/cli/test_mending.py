from __future__ import annotations

import importlib

import pytest

from checks.catalogue import Fix, Phase, UnknownCheckError, all_checks, of_phase
from checks.finding import Finding, Status
from deploy.cli.mending import Mend, chosen, mends
from deploy.plan import Where
from deploy.steps.fixes import FIXES, WARNINGS
from tests.unit.checks.machines import cluster


def finding(check: str, host: str | None, status: Status = Status.FAIL) -> Finding:
    return Finding(check, host, status)


def test_a_check_says_that_it_can_be_fixed_when_there_is_a_fix_and_only_then() -> None:
    fixable = {each.id for each in all_checks().values() if each.fix is not Fix.NO}

    assert fixable == set(FIXES)


def test_what_has_to_be_asked_for_says_what_it_will_do() -> None:
    ask = {each.id for each in all_checks().values() if each.fix is Fix.ASK}

    assert ask == set(WARNINGS)


@pytest.mark.parametrize("step", sorted(set(FIXES.values())))
def test_every_fix_is_a_step(step: str) -> None:
    assert callable(getattr(importlib.import_module("deploy.steps.fixes"), step))


def test_safe_stands_for_what_nobody_needs_to_be_asked_about() -> None:
    safe = chosen(["safe"])

    assert safe == {each.id for each in of_phase(Phase.PREFLIGHT) if each.fix is Fix.YES}
    assert "HOST-11" not in safe


def test_an_asked_fix_comes_by_its_exact_id_beside_the_safe_ones() -> None:
    assert chosen(["safe,host-11"]) == chosen(["safe"]) | {"HOST-11"}


def test_a_check_without_a_fix_says_how_to_mend_it() -> None:
    with pytest.raises(UnknownCheckError) as caught:
        chosen(["HOST-20"])

    assert str(caught.value) == (
        "HOST-20 has no fix of its own: Use a cable, or keep the node out of load_balancer.interfaces\n"
        "(fixes: safe, HOST-03, HOST-04, HOST-06, HOST-07, HOST-08, HOST-09, HOST-10, HOST-11, HOST-22, "
        "HOST-23, GPU-02, AMD-04)"
    )


def test_a_fix_is_made_where_its_check_failed_and_nowhere_else() -> None:
    findings = [
        finding("HOST-03", "w1"),
        finding("HOST-04", "g1"),
        finding("HOST-07", "cp1", Status.PASS),
        finding("HOST-08", "cp1", Status.UNAVAILABLE),
        finding("HOST-23", "w1"),
    ]

    made = mends(findings, {"HOST-03", "HOST-04", "HOST-07", "HOST-08"})

    assert made == (
        Mend("HOST-03,HOST-04", "Swap is off", "deploy.steps.fixes.no_swap", Where.ALL, on=("w1", "g1")),
    )
    assert made[0].hosts(cluster()) == ("w1", "g1")
