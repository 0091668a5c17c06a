from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from checks.drift.overdue import nightly

NOW = datetime(2026, 11, 30, 3, 17, tzinfo=UTC)


def ago(hours: int | None) -> datetime | None:
    return None if hours is None else NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("last", "installed", "expected"),
    [
        (24, 900, ("pass", "the timer's last report is 24 hours old")),
        (50, 900, ("fail", "the timer's last report is 50 hours old")),
        (50, None, ("skipped", "no timer is installed on this machine (--install-timer)")),
        (None, 12, ("skipped", "this is the first night")),
        (900, 12, ("skipped", "this is the first night")),
        (None, 50, ("fail", "the timer has made no report since it was installed 50 hours ago")),
        (24, -50, ("pass", "the timer's last report is 24 hours old")),
        (-50, 50, ("fail", "the timer has made no report since it was installed 50 hours ago")),
        (None, -50, ("fail", "the timer was installed on 2026-12-02, which is still to come here")),
        (900, 50, ("fail", "the timer has made no report since it was installed 50 hours ago")),
    ],
)
def test_a_night_that_did_not_run_is_found_by_the_next(
    last: int | None, installed: int | None, expected: tuple[str, str]
) -> None:
    finding = nightly(ago(last), NOW, ago(installed))

    assert (finding.status.value, finding.found) == expected
