"""Whether the nightly run itself ran: the one fault that no night can find, the next one does."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.finding import Finding
from checks.say import judged, skipped

LONGEST = timedelta(hours=26)  # a night, its random delay, and a slow run
HOUR = timedelta(hours=1)
CLOCK = "this machine's clock was ahead then, or is behind now: set it, and --install-timer again"


def nightly(last: datetime | None, now: datetime, installed: datetime | None) -> Finding:
    """Return OPS-01; `last` is when the timer last began a run that left a report, whatever that says.

    `installed` is since when this machine has the timer, None where it has none: a run before
    that says nothing of it. What is still to come by this machine's clock says nothing either.
    """
    if installed is None:
        return skipped("OPS-01", None, "no timer is installed on this machine (--install-timer)")
    known = [each for each in (last, installed) if each is not None and each <= now]
    if not known:
        return _judged(
            False, f"the timer was installed on {installed:%Y-%m-%d}, which is still to come here", CLOCK
        )
    since = max(known)
    in_time, hours = now - since <= LONGEST, (now - since) / HOUR
    if since == last:
        return _judged(in_time, f"the timer's last report is {hours:.0f} hours old")
    if in_time:
        return skipped("OPS-01", None, "this is the first night")
    return _judged(False, f"the timer has made no report since it was installed {hours:.0f} hours ago")


def _judged(good: bool, found: str, detail: str = "") -> Finding:
    wanted = f"a report of the timer in <= {LONGEST / HOUR:.0f} hours"
    return judged("OPS-01", None, good, found=found, wanted=wanted, detail=detail)
