"""`slipway trust`: show who the hosts say they are, ask, and remember it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from deploy.cli import choices
from deploy.cli.asking import consent
from deploy.engine import hostkeys, trusting
from deploy.engine.selection import unknown
from deploy.engine.trouble import Trouble
from deploy.engine.trusting import Shown, Standing
from deploy.errors import Exit, InventoryError, worst
from deploy.model import Cluster, load_cluster, paths

NO_TERMINAL = "a key is remembered only when somebody agrees, and there is no terminal to answer on: add {}"


@click.command()
@choices.inventory
@click.option("-y", "--yes", is_flag=True, help="Remember new keys without asking.")
@click.option(
    "--replace", "replaced", multiple=True, metavar="NODE", help="Accept that this host's key changed."
)
def trust(inventory: Path, replaced: Sequence[str], *, yes: bool) -> int:
    """Show the hosts' key fingerprints and remember them as the cluster's.

    Compare each with what the host's own console says: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub
    """
    return trusted(load_cluster(inventory), inventory, replaced, yes=yes)


def trusted(
    cluster: Cluster, inventory: Path, replaced: Sequence[str], *, yes: bool, option: str = "--yes"
) -> Exit:
    """Ask every host for its key, jump hosts first, and remember those that are accepted.

    `option` is the verb's own that agrees in a person's place.
    """
    path = paths.known_hosts(cluster.name)
    waves = trusting.rounds(cluster)
    if wrong := unknown("host", replaced, [each.name for wave in waves for each in wave]):
        raise InventoryError("\n".join(wrong))
    code = Exit.OK
    for wave in waves:
        found = trusting.ask(wave, path, str(inventory))
        code = worst(code, _remember(found, path, frozenset(replaced), None if yes else option))
    return code


def _remember(
    found: Sequence[Shown | Trouble], path: Path, replaced: frozenset[str], option: str | None
) -> Exit:
    """Show a wave of hosts, ask about what is not known yet, and remember what was accepted.

    `option` is what would have agreed beforehand; None when it has.
    """
    for each in found:
        click.echo(_line(each, replaced), err=isinstance(each, Trouble))
    shown = [each for each in found if isinstance(each, Shown)]
    refused = [
        each for each in shown if each.standing is Standing.CHANGED and each.target.name not in replaced
    ]
    fresh = [each for each in shown if each.standing is not Standing.KNOWN and each not in refused]
    if fresh:
        if option and not sys.stdin.isatty():
            raise InventoryError(NO_TERMINAL.format(option))
        if option:
            consent(f"Remember {len(fresh)} as the cluster's hosts?", "They were not remembered.")
        hostkeys.remember(path, {each.target.entry: each.key for each in fresh})
        click.echo(f"Remembered in {path}.")
    return Exit.UNREACHABLE if refused or len(shown) < len(found) else Exit.OK


def _line(each: Shown | Trouble, replaced: frozenset[str]) -> str:
    if isinstance(each, Trouble):
        return each.text
    text = f"{each.target}: {hostkeys.fingerprint(each.key)}  {each.standing}"
    if each.standing is Standing.CHANGED:
        before = ", ".join(map(hostkeys.fingerprint, each.known))
        text += f", known was {before}"
        if each.target.name not in replaced:
            text += f"; refused. If the host was reinstalled, add --replace {each.target.name}"
    return text
