"""`slipway lab break` and `slipway lab fix`: known faults, to learn from and to see found."""

from __future__ import annotations

import click

from deploy.lab import Lab, existing
from deploy.lab.errors import LabError
from deploy.lab.faults import Fault, fault, faults, place
from deploy.lab.layout import command

named = click.option("--name", default="lab", show_default=True, help="The lab's name.")


@click.command("break")
@named
@click.argument("fault_name", metavar="[FAULT]", required=False)
def break_(name: str, fault_name: str | None) -> None:
    """Make a known fault in a lab's cluster; without a name, list all."""
    if fault_name is None:
        width = max(map(len, faults()))
        click.echo("\n".join(f"{each:{width}}  {known.title}" for each, known in faults().items()))
        return
    found, known = existing(name), fault(fault_name)
    where = _run(found, known, known.made)
    shown = known.check or f"a pending operation of the phase {known.phase}"
    click.echo(f"{where}: {known.title}.\nslipway drift inventories/{name}.yaml finds it: {shown}")
    mend = f"{command('fix', name)} {fault_name}" if known.mend else f"slipway apply inventories/{name}.yaml"
    click.echo(f"It is put right by: {mend}")


@click.command()
@named
@click.argument("fault_name", metavar="FAULT")
def fix(name: str, fault_name: str) -> None:
    """Put a known fault right that an apply does not."""
    known = fault(fault_name)
    if known.mended is None:
        click.echo(f"an apply puts it right: slipway apply inventories/{name}.yaml")
        return
    click.echo(f"{_run(existing(name), known, known.mended)}: put right")


def _run(found: Lab, known: Fault, script: str) -> str:
    """Run a fault's script where it belongs, and return the host."""
    where = place(
        known,
        found.nodes,
        lambda node, test: found.exec(node, ["sh", "-c", test], check=False).returncode == 0,
    )
    ran = found.exec(where, ["sh", "-c", script], check=False)
    if ran.returncode != 0:
        raise LabError(f"{where}: the script ended with {ran.returncode}: {ran.stderr.strip()}")
    return where
