"""Whether the nightly run itself ran: the one fault that no night can find, the next one does."""

from __future__ import annotations

from datetime import datetime, timedelta

from checks.finding import Finding
from checks.say import judged, skipped

LONGEST = timedelta(hours=26)  # a night, its random delay, and a slow run


def nightly(last_success: datetime | None, now: datetime, *, installed: bool) -> Finding:
    """Return OPS-01; `installed` says whether this machine has the timer."""
    if not installed:
        return skipped("OPS-01", None, "no timer is installed on this machine (--install-timer)")
    if last_success is None:
        return skipped("OPS-01", None, "this is the first night")
    hours = (now - last_success) / timedelta(hours=1)
    return judged(
        "OPS-01",
        None,
        now - last_success <= LONGEST,
        found=f"the last complete run is {hours:.0f} hours old",
        wanted=f"<= {LONGEST / timedelta(hours=1):.0f} hours",
    )
