"""`slipway lab hardware`: simulated GPUs on a lab host."""

from __future__ import annotations

import click

from deploy.lab import existing
from deploy.lab.hardware import OFF, profiles, script


@click.command(short_help="Simulate GPUs on a host, or list which.")
@click.option("--name", default="lab", show_default=True, help="The lab's name.")
@click.argument("node", metavar="[HOST]", required=False)
@click.argument("profile", metavar="[PROFILE]", required=False)
def hardware(name: str, node: str | None, profile: str | None) -> None:
    """Put the face of GPUs on a host; without a profile take it off, without a host list the profiles.

    What /sys and /dev say is simulated; no driver and no GPU stands behind it.
    """
    if node is None:
        width = max(map(len, profiles()))
        click.echo("\n".join(f"{each:{width}}  {known.title}" for each, known in profiles().items()))
        return
    existing(name).exec(node, ["sh", "-c", script(profile) if profile else OFF])
    click.echo(f"{node}: {profiles()[profile].title} (simulated)" if profile else f"{node}: its own hardware")
