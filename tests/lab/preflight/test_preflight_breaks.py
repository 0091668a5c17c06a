"""A break, the check fails with the right text on that host only, it is mended, the check passes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.lab.preflight.breaks import FIXED, TOGETHER, Break
from tests.lab.preflight.conftest import Bare

pytestmark = pytest.mark.trial

Findings = dict[tuple[str, str | None], dict[str, Any]]


def failing(findings: Findings, check: str) -> set[str | None]:
    return {host for (id_, host), each in findings.items() if id_ == check and each["status"] == "fail"}


def assert_broken(bare: Bare, findings: Findings, each: Break) -> None:
    found = findings[each.check, each.host]
    assert re.fullmatch(bare.filled(each.found, each.host), found["found"]), (each.check, found)
    assert found["remedy"]
    assert failing(findings, each.check) == {each.host, *each.also}, each.check


@pytest.fixture(scope="module")
def healthy(bare: Bare) -> Findings:
    return bare.findings()


@pytest.fixture(scope="module")
def broken(bare: Bare, healthy: Findings) -> Findings:
    """Everything of the table is broken at once, so that no check may hide behind another, and mended."""
    for each in TOGETHER:
        bare.on(each.host, bare.filled(each.make, each.host))
    try:
        return bare.findings()
    finally:
        for each in reversed(TOGETHER):
            bare.on(each.host, bare.filled(each.mend, each.host), check=False)


def test_healthy_hosts_have_no_error(healthy: Findings) -> None:
    wrong = {
        key: each["found"]
        for key, each in healthy.items()
        if each["status"] in ("fail", "unavailable") and key[0] not in ("HOST-05", "HOST-25")
    }

    assert wrong == {}


@pytest.mark.parametrize("each", TOGETHER, ids=lambda each: each.check)
def test_a_break_is_found_on_its_host_only(
    bare: Bare, healthy: Findings, broken: Findings, each: Break
) -> None:
    before = healthy[each.check, each.host]
    assert before["status"] in ("pass", "skipped") or each.check == "HOST-25", before

    assert_broken(bare, broken, each)


def test_what_is_mended_passes_again(bare: Bare, healthy: Findings, broken: Findings) -> None:
    after = bare.findings()

    for each in TOGETHER:
        key = (each.check, each.host)
        assert after[key]["status"] == healthy[key]["status"], (each.check, after[key])
    assert {key for key, each in after.items() if each["status"] == "unavailable"} == set()


def test_fixes_mend_what_they_are_named_for_and_nothing_twice(bare: Bare) -> None:
    for each in FIXED:
        bare.on(each.host, bare.filled(each.make, each.host))
    named = ",".join(sorted({each.check for each in FIXED}))
    try:
        findings = bare.findings()
        for each in FIXED:
            assert_broken(bare, findings, each)

        bare.ok("preflight", "--fix", named, "--yes")

        after = bare.findings()
        for each in FIXED:
            assert failing(after, each.check) == set(), (each.check, after[each.check, each.host])
        again = bare.slipway("preflight", "--fix", named, "--yes")
        assert again.stderr == "Nothing that was named needs a fix.\n"
    finally:
        for each in FIXED:
            bare.on(each.host, bare.filled(each.mend, each.host), check=False)


def test_a_fix_that_was_not_named_is_not_made(bare: Bare) -> None:
    bare.on("n2", "sysctl -qw net.ipv4.ip_forward=0; hostname elsewhere")
    try:
        bare.slipway("preflight", "--fix", "safe", "--yes")

        assert bare.on("n2", "cat /proc/sys/net/ipv4/ip_forward; hostname") == "1\nelsewhere"
    finally:
        bare.on("n2", "sysctl -qw net.ipv4.ip_forward=1; hostname n2")


def test_a_user_who_cannot_become_root_is_told_what_to_add(bare: Bare) -> None:
    bare.data["nodes"][1]["ssh"] = {"user": "nosudo"}
    bare.write()
    try:
        done = bare.slipway("preflight", "-o", "short")
        findings = bare.findings()
    finally:
        del bare.data["nodes"][1]["ssh"]
        bare.write()

    assert done.returncode == 3
    assert failing(findings, "HOST-01") == {"n2"}
    assert "nosudo ALL=(ALL) NOPASSWD: ALL" in findings["HOST-01", "n2"]["found"]
    assert findings["HOST-00", "n2"]["status"] == "pass"


def test_a_host_that_is_gone_costs_the_others_nothing(bare: Bare) -> None:
    bare.data["nodes"][2]["address"] = str(bare.lab.subnet[99])
    bare.write()
    try:
        done = bare.slipway("preflight", "-o", "short")
        findings = bare.findings()
    finally:
        bare.data["nodes"][2]["address"] = str(bare.lab.address("n3"))
        bare.write()

    assert done.returncode == 6
    assert failing(findings, "HOST-00") == {"n3"}
    assert {each["status"] for (_, host), each in findings.items() if host == "n3"} == {"fail", "unavailable"}
    assert findings["HOST-03", "n2"]["status"] == "pass"


def test_a_collection_is_judged_offline_as_it_was_on_line(bare: Bare) -> None:
    saved = bare.directory / "hosts.json"

    online = bare.findings("--save", str(saved))
    offline = bare.findings("--baseline", str(saved))

    assert offline == online
