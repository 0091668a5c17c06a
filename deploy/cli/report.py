"""`slipway report`: the last run again, with the runs before it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from checks.drift import overdue
from checks.report import Format, exit_code, history, nagios, render
from checks.report.phrases import dated
from checks.report.strips import RUNS
from checks.report.terminal import color, width
from deploy.cli import choices
from deploy.cli.evidence import told_of_the_clock
from deploy.errors import Exit, InventoryError
from deploy.model import load_cluster, paths

FOR_PEOPLE = (Format.TEXT, Format.SHORT, Format.MD)  # a page says itself when its run was


@click.command()
@choices.inventory
@click.option(
    "--verb", type=click.Choice(["drift", "verify"]), default="drift", show_default=True, help="Whose report."
)
@click.option(
    "-o", "--output", type=click.Choice([str(each) for each in Format]), default="text", show_default=True
)
def report(inventory: Path, verb: str, output: str) -> int:
    """Show the last report that was kept; html, md and json have the last 30 runs of every check beside it.

    No host is asked. As a Nagios plugin, a drift of more than 26 hours ago is UNKNOWN, whatever it found.
    """
    cluster = load_cluster(inventory, keys_exist=False)
    directory = paths.reports(cluster.name)
    now = datetime.now(UTC)
    told_of_the_clock(directory, verb, now)
    kept = history.load(directory, verb, RUNS, now)
    if not kept:
        none = f"there is no report in {directory} yet; slipway {verb} {inventory} makes one"
        if output != Format.NAGIOS:
            raise InventoryError(none)
        click.echo(nagios.unknown(cluster.name, verb, none), nl=False)
        return nagios.UNKNOWN
    last = kept[-1]
    if output == Format.NAGIOS and verb == "drift" and now - last.started > overdue.LONGEST:
        click.echo(nagios.late(last, now, overdue.LONGEST), nl=False)
        return nagios.UNKNOWN
    if output in FOR_PEOPLE:
        click.echo(f"{dated(last, now)}\n")
    text = render(last, output, width=width(sys.stdout), color=color(sys.stdout), history=kept)
    click.echo(text, nl=False)
    return exit_code(last, output) if output == Format.NAGIOS else Exit.OK
