from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checks.drift.overdue import nightly

NOW = datetime(2026, 11, 30, 3, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "installed", "expected"),
    [
        (24, True, ("pass", "the last complete run is 24 hours old")),
        (50, True, ("fail", "the last complete run is 50 hours old")),
        (50, False, ("skipped", "no timer is installed on this machine (--install-timer)")),
        (None, True, ("skipped", "this is the first night")),
    ],
)
def test_a_night_that_did_not_run_is_found_by_the_next(
    hours: int | None, installed: bool, expected: tuple[str, str]
) -> None:
    last = None if hours is None else NOW - timedelta(hours=hours)

    finding = nightly(last, NOW, installed=installed)

    assert (finding.status.value, finding.found) == expected
