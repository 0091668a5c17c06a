"""Whether the nightly run itself ran: the one fault that no night can find, the next one does."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.finding import Finding
from checks.say import judged, skipped

LONGEST = timedelta(hours=26)  # a night, its random delay, and a slow run
HOUR = timedelta(hours=1)


def nightly(last_success: datetime | None, now: datetime, installed: datetime | None) -> Finding:
    """Return OPS-01; `installed` is since when this machine has the timer, None where it has none.

    A run that was complete before that says nothing of the timer.
    """
    if installed is None:
        return skipped("OPS-01", None, "no timer is installed on this machine (--install-timer)")
    if last_success is not None and last_success >= installed:
        since, what = last_success, "the last complete run is {:.0f} hours old"
    else:
        since, what = installed, "no run was complete since the timer was installed {:.0f} hours ago"
        if now - since <= LONGEST:
            return skipped("OPS-01", None, "this is the first night")
    hours = (now - since) / HOUR
    return judged(
        "OPS-01",
        None,
        now - since <= LONGEST,
        found=what.format(hours),
        wanted=f"a complete run in <= {LONGEST / HOUR:.0f} hours",
    )
