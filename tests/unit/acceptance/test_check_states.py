"""A check on a host has four states, and stands in the catalogue."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from checks.acceptance.check import HostCheck, Seen
from checks.acceptance.runner import host_checks
from checks.catalogue import check


def judged(function: object) -> tuple[str, str]:
    finding = HostCheck(check("HOST-03"), function).finding("w1", {"host": None})  # type: ignore[arg-type]
    return finding.status.value, finding.found


def looks_at_nothing(host: Host, seen: Seen) -> None: ...


def breaks(host: Host, seen: Seen) -> None:
    raise ValueError("not a number")


def asks_for_what_is_not_there(host: Host, colour: str) -> None: ...


def does_not_apply(seen: Seen) -> None:
    seen.skip("no GPU is declared")


def asserts_without_a_word() -> None:
    raise AssertionError


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (looks_at_nothing, ("unavailable", "the check looked at nothing")),
        (breaks, ("unavailable", "ValueError: not a number")),
        (asks_for_what_is_not_there, ("unavailable", "KeyError: 'colour'")),
        (does_not_apply, ("skipped", "no GPU is declared")),
        (asserts_without_a_word, ("fail", "")),
    ],
)
def test_the_four_states(function: object, expected: tuple[str, str]) -> None:
    assert judged(function) == expected


def test_each_check_is_in_the_catalogue_once() -> None:
    ids = [each.entry.id for each in host_checks()]

    assert len(set(ids)) == len(ids)
    assert len(ids) >= 8
