"""Whether the nightly run itself ran: the one fault that no night can find, the next one does."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.finding import Finding
from checks.say import judged, skipped

LONGEST = timedelta(hours=26)  # a night, its random delay, and a slow run
HOUR = timedelta(hours=1)


def nightly(last: datetime | None, now: datetime, installed: datetime | None) -> Finding:
    """Return OPS-01; `last` is when the timer last began a run that left a report, whatever that says.

    `installed` is since when this machine has the timer, None where it has none: a run before
    that says nothing of it.
    """
    if installed is None:
        return skipped("OPS-01", None, "no timer is installed on this machine (--install-timer)")
    if last is not None and last >= installed:
        since, what = last, "the timer's last report is {:.0f} hours old"
    else:
        since, what = installed, "the timer has made no report since it was installed {:.0f} hours ago"
        if now - since <= LONGEST:
            return skipped("OPS-01", None, "this is the first night")
    hours = (now - since) / HOUR
    return judged(
        "OPS-01",
        None,
        now - since <= LONGEST,
        found=what.format(hours),
        wanted=f"a report of the timer in <= {LONGEST / HOUR:.0f} hours",
    )
