"""Which hosts wait for a reboot, and why: read, and said as rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from deploy.engine.link import Ran
from deploy.engine.session import Session
from deploy.model import Vendor
from deploy.model.row import Disturbs, Row, State
from deploy.observe import reboot
from deploy.observe.reboot import UnreadableError

PHASE = "reboot"
TITLE = "Reboot the hosts that wait for it"
REBOOT = "Reboot the host"
KNOW = "Know whether the host waits for a reboot"


def rows(session: Session, *, allowed: bool) -> list[Row]:
    """Return a row for every chosen host that waits for a reboot: a change only where it is allowed."""
    commands = dict.fromkeys((name for name in session.hosts if name in session.chosen), reboot.COMMAND)
    answers = session.run_many(commands, timeout=30)
    return [row for name, ran in answers.items() for row in _row(session, name, ran, allowed=allowed)]


def waiting(rows: Iterable[Row]) -> str | None:
    """Say which hosts wait for a reboot that nobody has allowed; None when none does."""
    held = [row for row in rows if row.phase == PHASE and row.state is State.NONE]
    if not held:
        return None
    hosts = ", ".join(f"{row.host} ({row.reason})" for row in held)
    return f"Waits for a reboot: {hosts}; `slipway apply --reboot` does it, one host at a time."


def why(session: Session, name: str, text: str) -> Sequence[str]:
    """Return why a host waits for a reboot, out of what it said."""
    nvidia = Vendor.NVIDIA in session.node(name).gpu_vendors
    return [*reboot.parse(text).reasons(nvidia=nvidia)]


def _row(session: Session, name: str, ran: Ran, *, allowed: bool) -> Iterator[Row]:
    try:
        reasons = why(session, name, ran.out)
    except UnreadableError as error:
        yield Row(PHASE, name, KNOW, State.ERROR, reason=f"{error}: {ran.err.strip() or 'it said nothing'}")
        return
    if reasons:
        state, disturbs = (State.CHANGE, Disturbs.HOST) if allowed else (State.NONE, Disturbs.NOTHING)
        yield Row(PHASE, name, REBOOT, state, disturbs, reason="; ".join(reasons))
