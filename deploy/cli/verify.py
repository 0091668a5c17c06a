"""`slipway verify`: prove that the cluster does what it is for."""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex

import click

from checks.acceptance.gates import Tell, silently
from checks.acceptance.verify import Verify
from checks.finding import Finding
from checks.preflight.ignoring import ignoring
from checks.report import Format, Report, exit_code, render, run_id
from checks.report.terminal import color, width
from deploy.catalog import lock
from deploy.cli import choices
from deploy.cli.evidence import digest, keep, silent
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.model import Cluster, load_cluster


@click.command()
@choices.inventory
@click.option("--passive", is_flag=True, help="Only look; make nothing in the cluster.")
@click.option(
    "--wait",
    "settle",
    type=float,
    default=0.0,
    metavar="SECONDS",
    help="Let it settle for so long at most.",
)
@click.option("--strict", is_flag=True, help="Exit with 4 when there are warnings.")
@click.option(
    "-o", "--output", type=click.Choice([str(each) for each in Format]), default="text", show_default=True
)
def verify(inventory: Path, output: str, settle: float, *, passive: bool, strict: bool) -> int:
    """Prove that the cluster does what it is for: hosts, nodes, pods, names, Services, addresses.

    Unless --passive, pods are put on every node, in a namespace of their own that is removed again.
    Exits with 0 when all is well, 3 when a check failed or could not be judged, 6 when a host is unreachable.
    """
    cluster = load_cluster(inventory)
    with open_log(cluster.name, "verify"), Session(cluster, inventory) as session:
        report = verified(session, cluster, passive=passive, settle=settle, tell=on_terminal())
    keep(report)  # before it is shown: whoever reads may have seen enough, and closed the pipe
    click.echo(render(report, output, width=width(sys.stdout), color=color(sys.stdout)), nl=False)
    return exit_code(report, output, strict=strict)


def verified(
    session: Session,
    cluster: Cluster,
    *,
    passive: bool = False,
    settle: float = 0.0,
    tell: Tell = silently,
) -> Report:
    """Verify over a session that is open, and return the report; `settle` waits that many seconds."""
    started, before = datetime.now(UTC), time.monotonic()
    pinned = lock.path_of(session.inventory)
    run = run_id(started, token_hex(2))
    today = date.today()  # noqa: DTZ011 - the operator's day

    def accepted(findings: list[Finding]) -> list[Finding]:
        return ignoring(findings, cluster.ignore, (), today)

    work = Verify(cluster, session, lock.load(pinned), run, settle, tell, accepted, session.rootless)
    findings = work.passive() if passive else work.active()
    return Report(
        verb="verify",
        cluster=cluster.name,
        run=run,
        started=started,
        seconds=time.monotonic() - before,
        findings=tuple(accepted(findings)),
        unreachable=silent(session),
        inventory_sha256=digest(session.inventory),
        lock_sha256=digest(pinned),
    )


def on_terminal() -> Tell:
    """Return what tells a person at a terminal what is waited for; a pipe is told nothing."""
    return (lambda text: click.echo(text, err=True)) if sys.stderr.isatty() else silently
