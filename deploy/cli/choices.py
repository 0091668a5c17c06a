"""Arguments and options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

inventory = click.argument("inventory", type=click.Path(path_type=Path))
verbose = click.option("-v", "--verbose", is_flag=True, help="Show the commands, too.")

reboot = click.option(
    "--reboot", is_flag=True, help="With reboots of hosts that wait for one: drained, and back, one by one."
)


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:  # noqa: ARG001 - click's signature
    return tuple(name for name in (value or "").split(",") if name)


def selection(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add --only, --from and --limit."""
    options = (
        click.option("--only", callback=_names, metavar="PHASE[,PHASE]", help="Only these phases."),
        click.option("--from", "first", metavar="PHASE", help="This phase and those after it."),
        click.option("--limit", callback=_names, metavar="NODE[,NODE]", help="Only these nodes."),
    )
    for option in reversed(options):
        verb = option(verb)
    return verb
