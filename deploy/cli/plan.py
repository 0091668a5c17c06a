"""`slipway plan`: what apply would change, and what that would disturb; nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import click

from deploy.cli import choices
from deploy.engine import reboots, summary
from deploy.engine.log import open_log
from deploy.engine.selection import select
from deploy.engine.session import Session
from deploy.engine.survey import survey
from deploy.model import load_cluster
from deploy.model.row import Row
from deploy.plan import Phase
from deploy.printable import printable


@click.command()
@choices.inventory
@choices.selection
@choices.reboot
@choices.verbose
@click.option(
    "-o", "--output", type=click.Choice(["text", "short", "json"]), default="text", show_default=True
)
def plan(
    inventory: Path,
    only: Sequence[str],
    first: str | None,
    limit: Sequence[str],
    output: str,
    *,
    reboot: bool,
    verbose: bool,
) -> int:
    """Show what apply would change: by phase, host and operation, with diffs.

    Exits with 0 when nothing would change, 5 when something would, 3 when something could not be planned
    and 6 when a host is unreachable.
    """
    cluster = load_cluster(inventory)
    chosen = select(cluster, only, first, limit)
    with open_log(cluster.name, "plan"), Session(cluster, inventory, chosen.nodes) as session:
        rows = survey(session, chosen.phases, reboot=reboot).rows
        if output == "json":
            click.echo(json.dumps(summary.document(cluster.name, rows, session.unreachable), indent=2))
        else:
            show(rows, chosen.phases, session, output=output, verbose=verbose)
        return summary.exit_code(rows, session.exit_code)


def show(
    rows: Sequence[Row], phases: Sequence[Phase], session: Session, *, output: str, verbose: bool
) -> None:
    """Print the rows that are pending or wrong, the hosts that cannot be used, and the summary."""
    titles = {phase.name: phase.title for phase in phases} | {reboots.PHASE: reboots.TITLE}
    listed = summary.short(rows) if output == "short" else summary.text(rows, titles, verbose=verbose)
    if listed:
        click.echo(printable(f"{listed}\n"))
    for cause in session.unreachable.values():
        click.echo(printable(cause), err=True)
    click.echo(summary.summary(rows, session.unreachable))
