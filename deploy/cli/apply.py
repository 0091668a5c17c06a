"""`slipway apply`: shows the plan, asks, makes the hosts what the inventory says, and verifies."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
import gevent

from deploy.cli import choices, models
from deploy.cli.asking import consent
from deploy.cli.plan import show
from deploy.cli.progress import watching
from deploy.engine import locks, reboots, rolling, summary
from deploy.engine.applying import Apply, Outcome
from deploy.engine.log import open_log
from deploy.engine.rebooting import Reboots
from deploy.engine.selection import Selection, select
from deploy.engine.session import Session
from deploy.engine.survey import Survey, survey
from deploy.errors import Exit, HostError, InventoryError, UnreachableError, worst
from deploy.model import Cluster, load_cluster, paths
from deploy.printable import printable

if TYPE_CHECKING:
    from checks.finding import Finding
    from checks.report import Report

SETTLES = 180.0  # seconds for a fresh cluster's pods to become Ready
RETURNS = 60.0  # seconds for those of a host that has just come back: a restart is put off up to twenty
GPU_HOSTS = "gpu-hosts"  # the phase that prepares hosts for their GPUs
IGNORE = "Mend them, or name under `ignore:` in the inventory what shall not count."
NO_TERMINAL = "apply asks before it changes anything, and there is no terminal to answer on: add --yes"


@click.command()
@choices.inventory
@choices.selection
@choices.reboot
@choices.verbose
@click.option("-y", "--yes", is_flag=True, help="Do not ask before changing anything.")
def apply(
    inventory: Path,
    only: Sequence[str],
    first: str | None,
    limit: Sequence[str],
    *,
    reboot: bool,
    yes: bool,
    verbose: bool,
) -> int:
    """Make the hosts what the inventory says, then verify the cluster.

    What is done already is left alone, so that running again goes on after an interruption. Exits with 0
    when the cluster is as declared and verified, 3 when something failed, 6 when a host is unreachable.
    """
    if not yes and not sys.stdin.isatty():
        raise InventoryError(NO_TERMINAL)
    cluster = load_cluster(inventory)
    chosen = select(cluster, only, first, limit)
    holder, path = locks.me("apply"), paths.run_lock(cluster.name)
    with open_log(cluster.name, "apply") as log, locks.on_controller(cluster.name, path, holder) as died:
        if died:
            click.echo(f"An earlier run did not end by itself: {died}. Going on from what it left.")
        with Session(cluster, inventory, chosen.nodes) as session:
            proof = _Proof(session)
            whole = not only and not limit
            with locks.on_host(session, _lock_host(session), holder) as lock:
                living = proof.begin if whole else None
                boots = Reboots(lock.away, allowed=reboot)
                code, outcome = _apply(session, chosen, living, boots, yes=yes, verbose=verbose)
            if code in (Exit.OK, Exit.UNREACHABLE) and whole and not outcome.failed:
                code = worst(code, proof.active() if outcome.done else proof.passive())
                for line in models.usage(session):
                    click.echo(line)
        if log.exists():
            click.echo(f"Log: {log}")
        return code


def _lock_host(session: Session) -> str:
    """Return the first control plane that can be reached."""
    for node in session.cluster.control_planes:
        if node.name in session.hosts:
            return node.name
    raise session.speechless()


def _apply(
    session: Session,
    chosen: Selection,
    living: Callable[[], None] | None,
    boots: Reboots,
    *,
    yes: bool,
    verbose: bool,
) -> tuple[Exit, Outcome]:
    """Return what it came to, as an exit code and row by row."""
    found = survey(session, chosen.phases, living, reboot=boots.allowed)
    _refuse_a_half_install(session, found)
    show(found.rows, chosen.phases, session, output="text" if verbose else "short", verbose=verbose)
    if not found.pending:
        return summary.exit_code(found.rows, session.exit_code), Outcome()
    _refuse_unfit_hosts(session, found)
    if not yes:
        consent("Apply this?")
    started, before = time.monotonic(), set(session.troubles)
    outcome = _run(session, chosen, found, boots)
    lost = [cause for name, cause in session.unreachable.items() if name not in before]
    tell(outcome, lost, time.monotonic() - started)
    code = worst(session.exit_code, Exit.FAILED if outcome.failed else Exit.OK)
    return code, outcome


def _run(session: Session, chosen: Selection, found: Survey, boots: Reboots) -> Outcome:
    shown = {row.key: row for row in found.rows}
    with watching() as watcher:
        work = Apply(session, watcher, shown, found.speaker, found.members)
        rolling.clean_up(work, found.leftovers)
        work.run(chosen.phases)
        rolling.roll(work, chosen.phases)
        boots.run(work, chosen.phases)
    return work.outcome


def _refuse_a_half_install(session: Session, found: Survey) -> None:
    """A first install needs every control plane; on a running cluster the others go on without one."""
    missing = [node.name for node in session.cluster.control_planes if node.name in session.troubles]
    if found.speaker is None and not found.members and missing:
        causes = "\n".join(f"  {session.unreachable[name]}" for name in missing)
        name = session.cluster.name
        raise UnreachableError(f"{name} has no API server yet, and that needs all control planes:\n{causes}")


def _refuse_unfit_hosts(session: Session, found: Survey) -> None:
    """Preflight the hosts that are to join, and of nodes that get GPUs these.

    What fails and no phase mends stops the run before it begins.
    """
    from checks.catalogue import check
    from checks.report.report import Verdict, verdict
    from deploy.cli.preflight import run_preflight

    joining = [name for name in session.hosts if name in session.chosen and name not in found.members]
    equipped = _equipped(session.cluster, found)
    if not joining and not equipped:
        return
    errors = [each for each in run_preflight(session, session.cluster) if verdict(each) is Verdict.ERROR]
    if unfit := [
        each
        for each in errors
        if each.host in joining
        or (each.host is None and not found.members)
        or (each.host in equipped and check(each.check).of_gpus)
    ]:
        raise HostError("\n".join(["Preflight fails, and nothing was touched:", *map(_unfit, unfit), IGNORE]))


def _equipped(cluster: Cluster, found: Survey) -> set[str]:
    """Return the nodes that are to give a vendor's GPUs away and do not yet; a reboot may mend the rest.

    Where one already does, a card that died is a verify's to tell: it keeps no other change away.
    """
    from deploy.gpu.wiring import vendor_label

    waiting = {row.host for row in found.pending if row.phase == reboots.PHASE}
    prepared = {row.host for row in found.pending if row.phase == GPU_HOSTS} - waiting
    labels = {name: found.members[name].labels for name in prepared if name in found.members}
    return {
        name
        for name, has in labels.items()
        if has is not None and not {*map(vendor_label, cluster.node(name).gpu_vendors)} <= has
    }


def _unfit(finding: Finding) -> str:
    where = finding.host or "the cluster"
    return (
        f"  [{finding.check}] {where}: found {finding.found}, wanted {finding.wanted}\n"
        f"      {finding.remedy or f'slipway explain {finding.check}'}"
    )


def tell(outcome: Outcome, lost: Sequence[str], seconds: float) -> None:
    """Say what became of it; a host that was lost while another was worked on has no row of its own."""
    hosts = len({row.host for row in outcome.done})
    click.echo(f"{len(outcome.done)} changed on {hosts} hosts in {seconds:.1f} s.")
    for row in outcome.failed:
        said = f"{row.host}: {row.operation} ({row.phase}) failed:\n{row.reason}"
        click.echo(printable(said), err=True)
    for cause in lost:
        if not any(cause in (row.reason or "") for row in outcome.failed):
            click.echo(printable(cause), err=True)
    if outcome.failed or lost:
        click.echo("What is done stays done; mend this and run the same command again.", err=True)


class _Proof:
    """The verify that ends an apply: by looking only when nothing was changed, else with pods of its own."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._looking: gevent.Greenlet[..., Report] | None = None

    def begin(self) -> None:
        """Begin to look, beside the plan: most applies find nothing to change."""
        self._looking = self._begun()

    def passive(self) -> Exit:
        """Show what was seen by looking."""
        looked = self._looking or self._begun()
        return self._shown(looked.get())

    def active(self) -> Exit:
        """Show what pods reach in the changed cluster; what was seen before the change is forgotten."""
        if self._looking is not None:
            self._looking.kill()
        return self._shown(self._verified(passive=False, settle=SETTLES))

    def _begun(self) -> gevent.Greenlet[..., Report]:
        return gevent.spawn(self._verified, passive=True, settle=RETURNS)

    def _verified(self, *, passive: bool, settle: float) -> Report:
        from deploy.cli.verify import on_terminal, verified

        session = self._session
        return verified(session, session.cluster, passive=passive, settle=settle, tell=on_terminal())

    def _shown(self, report: Report) -> Exit:
        from checks.report import render
        from checks.report.terminal import color, width

        click.echo(render(report, "short", width=width(sys.stdout), color=color(sys.stdout)), nl=False)
        return report.exit_code(strict=False)
