"""A break, the check fails with the right text on that host only, it is mended, the check passes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from tests.lab.preflight.breaks import (
    ALL_CONTROLLERS,
    FEW_CONTROLLERS,
    FIXED,
    K3S,
    NO_COVER,
    TOGETHER,
    Break,
)
from tests.lab.preflight.conftest import NODES, Bare, Findings, failing

MACHINES = ("HOST-05", "HOST-25")  # what a lab's hosts have of their machine, and its inventory accepts


@contextmanager
def broken_by(bare: Bare, table: Iterable[Break]) -> Iterator[None]:
    """Have everything of a table broken, each break on its host, and mend it in the end."""
    entries = {host: [each for each in table if each.host == host] for host, _ in NODES}
    try:
        bare.break_({host: [(each.check, each.make) for each in own] for host, own in entries.items()})
        yield
    finally:
        bare.mend({host: [each.mend for each in own] for host, own in entries.items()})


def assert_broken(bare: Bare, before: Findings, findings: Findings, each: Break) -> None:
    found = findings[each.check, each.host]
    assert re.fullmatch(bare.filled(each.found, each.host), found["found"]), (each.check, found)
    assert found["remedy"]
    of_the_machine = failing(before, each.check) if each.check in MACHINES else set()
    assert failing(findings, each.check) == {each.host, *each.also} | of_the_machine, each.check


@pytest.fixture(scope="module")
def healthy(bare: Bare) -> Findings:
    return bare.findings()


@pytest.fixture(scope="module")
def broken(bare: Bare, healthy: Findings) -> Findings:
    """Everything of the table is broken at once, so that no check may hide behind another, and mended."""
    with broken_by(bare, TOGETHER):
        return bare.findings()


def test_healthy_hosts_have_no_error(healthy: Findings) -> None:
    wrong = {
        key: each["found"]
        for key, each in healthy.items()
        if each["status"] in ("fail", "unavailable") and key[0] not in MACHINES
    }

    assert wrong == {}
    assert [key for key, each in healthy.items() if each["status"] == "fail" and not each["ignored"]] == []


@pytest.mark.parametrize("each", TOGETHER, ids=lambda each: each.check)
def test_a_break_is_found_on_its_host_only(
    bare: Bare, healthy: Findings, broken: Findings, each: Break
) -> None:
    before = healthy[each.check, each.host]
    assert before["status"] in ("pass", "skipped") or each.check in MACHINES, before

    assert_broken(bare, healthy, broken, each)


def test_what_is_mended_passes_again(bare: Bare, healthy: Findings, broken: Findings) -> None:
    after = bare.findings()

    for each in TOGETHER:
        key = (each.check, each.host)
        assert after[key]["status"] == healthy[key]["status"], (each.check, after[key])
    assert {key for key, each in after.items() if each["status"] == "unavailable"} == set()


def test_fixes_mend_what_they_are_named_for_and_nothing_twice(bare: Bare, healthy: Findings) -> None:
    named = ",".join(sorted({each.check for each in FIXED}))
    with broken_by(bare, FIXED):
        findings = bare.findings()
        for each in FIXED:
            assert_broken(bare, healthy, findings, each)

        bare.ok("preflight", "--fix", named, "--yes")

        again = bare.slipway("preflight", "--fix", named, "--yes", "--save", str(bare.directory / "after"))
        assert again.stderr == "Nothing that was named needs a fix.\n"
        after = bare.findings("--baseline", str(bare.directory / "after"))
        for each in FIXED:
            assert failing(after, each.check) == set(), (each.check, after[each.check, each.host])
            assert after[each.check, each.host]["status"] == "pass"


def test_a_fix_that_was_not_named_is_not_made(bare: Bare) -> None:
    bare.on("n2", "sysctl -qw net.ipv4.ip_forward=0; hostname elsewhere")
    try:
        bare.slipway("preflight", "--fix", "safe", "--yes")

        assert bare.on("n2", "cat /proc/sys/net/ipv4/ip_forward; hostname") == "1\nelsewhere"
    finally:
        bare.on("n2", "sysctl -qw net.ipv4.ip_forward=1; hostname n2")


def test_a_hierarchy_without_a_controller_is_found_and_a_whole_one_passes(bare: Bare) -> None:
    bare.on("n3", FEW_CONTROLLERS)
    try:
        without = bare.findings()
        bare.on("n3", ALL_CONTROLLERS)
        whole = bare.findings()
    finally:
        bare.on("n3", NO_COVER)

    assert (without["HOST-05", "n3"]["status"], without["HOST-05", "n3"]["found"]) == (
        "fail", "cgroup v2 without memory",
    )  # fmt: skip
    assert without["HOST-05", "n2"]["found"] != "cgroup v2 without memory"
    found = whole["HOST-05", "n3"]
    assert found["status"] == "pass", found
    assert re.fullmatch(r"cgroup v2 with 5 controllers, kernel \d+\.\d+", found["found"])


def test_what_only_k3s_looks_at_is_found_where_k3s_is_declared(bare: Bare) -> None:
    kubernetes = bare.data["kubernetes"]
    bare.data["kubernetes"] = {"distribution": "k3s", "version": "v1.36.3+k3s1"}
    bare.write()
    try:
        before = bare.findings()
        with broken_by(bare, K3S):
            findings = bare.findings()
        after = bare.findings()
    finally:
        bare.data["kubernetes"] = kubernetes
        bare.write()

    for each in K3S:
        assert before[each.check, each.host]["status"] in ("pass", "skipped")
        assert_broken(bare, before, findings, each)
        assert after[each.check, each.host] == before[each.check, each.host]


def test_a_user_who_cannot_become_root_is_told_what_to_add(bare: Bare) -> None:
    bare.data["nodes"][1]["ssh"] = {"user": "nosudo"}
    bare.write()
    try:
        code, findings = bare.judged()
    finally:
        del bare.data["nodes"][1]["ssh"]
        bare.write()

    assert code == 3
    assert failing(findings, "HOST-01") == {"n2"}
    assert "nosudo ALL=(ALL) NOPASSWD: ALL" in findings["HOST-01", "n2"]["found"]
    assert findings["HOST-00", "n2"]["status"] == "pass"
    # what a user may know is judged, and what only root may read is said
    assert findings["HOST-12", "n2"]["found"] == f"{bare.lab.address('n2')} on eth0"
    assert findings["HOST-17", "n2"]["status"] == "unavailable"
    assert findings["HOST-17", "n2"]["found"] == "firewall: only root may read it"


def test_a_host_that_is_gone_costs_the_others_nothing(bare: Bare) -> None:
    bare.data["nodes"][2]["address"] = str(bare.lab.subnet[99])
    bare.write()
    try:
        code, findings = bare.judged()
    finally:
        bare.data["nodes"][2]["address"] = str(bare.lab.address("n3"))
        bare.write()

    assert code == 6
    assert failing(findings, "HOST-00") == {"n3"}
    assert {each["status"] for (_, host), each in findings.items() if host == "n3"} == {"fail", "unavailable"}
    assert findings["HOST-03", "n2"]["status"] == "pass"


def test_a_collection_is_judged_offline_as_it_was_on_line(bare: Bare) -> None:
    saved = bare.directory / "hosts.json"

    online = bare.findings("--save", str(saved))
    offline = bare.findings("--baseline", str(saved))

    assert offline == online
