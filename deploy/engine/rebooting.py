"""Rebooting hosts that wait for it, one at a time: emptied, gone, back, well again, and only then the next.

Nothing is remembered between runs: an interrupted run leaves a node that it cordoned, which is known by its
annotation, and a host that still waits for its reboot or has had it.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import gevent

from deploy.engine import reboots, rolling, speaker
from deploy.engine.applying import SILENT, Apply, Outcome
from deploy.engine.rolling import cordon, kubectl, let_go, looked, order, uncordon, wait
from deploy.errors import RunError, UnreachableError
from deploy.model.row import Row, State
from deploy.observe import reboot
from deploy.observe.reboot import UnreadableError
from deploy.plan import Phase

EMPTY_WITHIN = 300  # seconds for a node's pods to go elsewhere, as their disruption budgets let them
BACK_WITHIN = 1200.0  # seconds from the order to SSH: big servers test their memory for ten minutes
ASKED_EVERY = 2.0
# systemd is started anew by a reboot even where the kernel is shared, as in a container
BOOT = "cat /proc/sys/kernel/random/boot_id && cut -d ' ' -f 22 /proc/1/stat"
ORDER = "systemctl reboot"
# without --force: a pod that nobody would make again is for its owner to end
DRAIN = f"drain --ignore-daemonsets --delete-emptydir-data --timeout={EMPTY_WITHIN}s"
MENDS = "gpu-hosts"  # what fails in this phase for want of a reboot is tried again after it


@dataclass(frozen=True, slots=True)
class Reboots:
    """What to do about hosts that wait for a reboot; `away` keeps the run's lock while a host is gone."""

    away: Callable[[str], AbstractContextManager[None]]
    allowed: bool

    def run(self, apply: Apply, phases: Sequence[Phase]) -> None:
        """Reboot the hosts that wait for it by now; without leave, say which do."""
        rows = reboots.rows(apply.session, allowed=self.allowed)
        apply.outcome.failed += [row for row in rows if row.state is State.ERROR]
        if said := reboots.waiting(rows):
            apply.watcher.said(said)
        wanted = {row.host: row for row in rows if row.pending and _fit(apply, row.host)}
        names = order(apply, set(wanted))
        if names and not _knows_members(apply):
            row = wanted[names[0]]
            apply.outcome.failed.append(Row(row.phase, row.host, row.operation, State.ERROR, reason=SILENT))
            return
        again = bool(apply.failed_hosts() & set(names))
        for position, name in enumerate(names):
            if not self._one(apply, wanted[name]):
                left = ", ".join(names[position + 1 :]) or "no other host"
                apply.watcher.said(f"The reboots stop at {name}; not rebooted: {left}.")
                return
        if again:
            apply.run(phases)
            rolling.roll(apply, phases)

    def _one(self, apply: Apply, row: Row) -> bool:
        """Reboot one host; say whether it is well again."""
        name, started, title, outcome = row.host, time.monotonic(), f"Reboot {row.host}", Outcome()
        apply.watcher.phase_begins(title, [name])
        apply.watcher.row_begins(row)
        cordoned = False
        try:
            before = looked(apply, name) if name in apply.members else None
            cordoned = before is not None and _may_cordon(apply, name)
            if cordoned:
                cordon(apply, name)
            if before is not None:
                _empty(apply, name)
            with self.away(name):
                _reboot(apply, name)
            if before is not None:
                wait(apply, name, before.ready_pods)
            _refuse_in_vain(apply, name)
            if cordoned:
                uncordon(apply, name)
            outcome.done.append(row)
        except (RunError, UnreachableError) as error:
            outcome.failed.append(Row(row.phase, name, row.operation, State.ERROR, reason=str(error)))
            if cordoned:
                let_go(apply, name)
        if outcome.done:
            apply.outcome.failed = [each for each in apply.outcome.failed if each.host != name]
        apply.outcome.add(outcome)
        apply.watcher.phase_ended(title, outcome, time.monotonic() - started)
        return not outcome.failed


def _knows_members(apply: Apply) -> bool:
    """Learn which hosts are nodes by now; False when there are some and no API server answers."""
    if apply.hears():
        apply.members = speaker.nodes(apply.session, rolling.asked(apply))
        return True
    return not apply.members


def _fit(apply: Apply, name: str) -> bool:
    """Say whether a host may be rebooted: nothing failed on it but what a reboot mends."""
    others = [row for row in apply.outcome.failed if row.host == name and row.phase != MENDS]
    if others:
        apply.watcher.said(f"{name} waits for a reboot and is not given it, as something failed on it.")
    return not others


def _may_cordon(apply: Apply, name: str) -> bool:
    """Say whether the node's cordon is ours: one that a person made is left as it is."""
    node = apply.members[name]
    return node.cordoned_by_us or not node.unschedulable


def _empty(apply: Apply, name: str) -> None:
    try:
        kubectl(apply, f"{DRAIN} {shlex.quote(name)}", EMPTY_WITHIN + 15)
    except RunError as error:
        raise RunError(
            f"{name} was not emptied within {EMPTY_WITHIN} s, and so not rebooted: {error}\n"
            "End what is named there, or let its disruption budget allow it, and run the same command again"
        ) from None


def _reboot(apply: Apply, name: str) -> None:
    """Reboot a host, and return when it lets in after it has booted."""
    session, before = apply.session, _boot(apply, name)
    if before is None:
        raise RunError(f"{name} did not tell which boot it runs, and so was not rebooted")
    try:
        ran = session.run(name, ORDER, timeout=60)
    except UnreachableError:
        ran = None  # it went before it could answer
    if ran is not None and not ran.ok:
        raise RunError(f"{name}: `{ORDER}` failed: {ran.err.strip() or f'it ended with {ran.rc}'}")
    deadline = time.monotonic() + BACK_WITHIN
    while time.monotonic() < deadline:
        gevent.sleep(ASKED_EVERY)
        if session.again(name) and _boot(apply, name) not in (None, before):
            return
    why = session.unreachable.get(name, "it has not rebooted")
    raise UnreachableError(
        f"{name} is not back {BACK_WITHIN:.0f} s after the order to reboot: {why}\n"
        "Look at its console; once it is back, run the same command again"
    )


def _boot(apply: Apply, name: str) -> str | None:
    """Return what tells one boot of a host from another; None where it could not be read."""
    try:
        ran = apply.session.run(name, BOOT, timeout=15)
    except UnreachableError:
        return None
    return ran.out if ran.ok and ran.out.strip() else None


def _refuse_in_vain(apply: Apply, name: str) -> None:
    """Raise when the host still waits for what it was rebooted for: another time would not help either."""
    ran = apply.session.run(name, reboot.COMMAND, timeout=30)
    try:
        still = "; ".join(reboots.why(apply.session, name, ran.out))
    except UnreadableError as error:
        raise RunError(
            f"{name} has been rebooted, and does not say whether that was enough: {error}"
        ) from None
    if still:
        raise RunError(
            f"{name} has been rebooted, and still: {still}\n"
            "Look at what its boot loads: `update-initramfs -u`, the boot loader's default kernel"
        )
