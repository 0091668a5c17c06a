"""`slipway lab`: hosts in containers on this machine."""

from __future__ import annotations

import os
import subprocess
import textwrap
from ipaddress import IPv4Network
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from deploy import catalog
from deploy.cli.faults import break_, fix
from deploy.cli.hardware import hardware
from deploy.cli.question import question
from deploy.lab import Lab, asked, demo, existing, packages, prune, served, supply
from deploy.lab.errors import LabUsageError
from deploy.lab.layout import DEFAULT_NAME, SUBNET, command
from deploy.lab.progress import Progress
from deploy.model import paths

named = click.option("--name", default=DEFAULT_NAME, show_default=True, help="The lab's name.")


def _subnet(_: click.Context, __: click.Parameter, value: str) -> IPv4Network:
    """Return the network, or say what was found."""
    try:
        return IPv4Network(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}; wanted is a network such as {SUBNET}") from None


def _versions(_: click.Context, __: click.Parameter, value: str) -> tuple[str, ...]:
    """Return the versions of a comma-separated list; one that cannot be installed is refused."""
    known = catalog.load()
    versions = tuple(value.split(",")) if value else (known.kubernetes.default,)
    releases = known.kubernetes.releases
    if unknown := [version for version in versions if version.partition("+")[0] not in releases]:
        raise click.BadParameter(
            f"{', '.join(unknown)}: the lab can build {', '.join(sorted(known.kubernetes.releases))}"
        )
    return versions


versions_option = click.option(
    "--versions",
    "--kubernetes",
    callback=_versions,
    metavar="VERSION[,VERSION]",
    help=f"Versions to serve, also of k3s (v1.36.3+k3s1).  [default: {catalog.load().kubernetes.default}]",
)


@click.group()
def lab() -> None:
    """Hosts in containers on this machine, with a mirror and a registry of what was built here."""


lab.add_command(break_)
lab.add_command(fix)
lab.add_command(hardware)


@lab.command()
@named
@click.option("--nodes", default=2, show_default=True, help="How many hosts.")
@click.option("--subnet", callback=_subnet, default=str(SUBNET), show_default=True, help="The lab's own /24.")
@click.option("--image", default="bookworm", show_default=True, help="The hosts' Debian release.")
@click.option("--no-trust", is_flag=True, help="Leave the hosts' keys unknown, as those of new machines are.")
@versions_option
def up(
    name: str, nodes: int, subnet: IPv4Network, image: str, no_trust: bool, versions: tuple[str, ...]
) -> None:
    """Bring a lab up; what is there already stays as it is."""
    made = Lab(name, subnet, nodes, image, versions, not no_trust)
    made.up()
    _show(made)
    ssh, tried = command("ssh", name), command("demo", name)
    click.echo(f"\nLog in: {ssh} n1      Next: slipway apply inventories/{name}.yaml, then {tried}")


@lab.command()
@named
def down(name: str) -> None:
    """Take a lab away: containers, volumes, network, keys. What was built stays cached."""
    Lab(name).down()
    click.echo(f"The lab {name} is gone.")


@lab.command()
@named
def status(name: str) -> None:
    """Show a lab's hosts, mirror and registry, and which of them run."""
    _show(existing(name))


@lab.command(context_settings={"ignore_unknown_options": True})
@named
@click.argument("node")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec(name: str, node: str, command: tuple[str, ...]) -> int:  # noqa: A001 - the verb
    """Run a command on a host as root, without SSH."""
    found = _known(existing(name), node)
    terminal = ["--tty"] if os.isatty(0) and os.isatty(1) else []
    container = found.layout.container(node)
    return subprocess.run(
        ["podman", "exec", "--interactive", *terminal, container, *command], check=False
    ).returncode


@lab.command(context_settings={"ignore_unknown_options": True}, short_help="Log in to a host by SSH.")
@named
@click.option("--user", default="root", show_default=True, help="root, ops (may sudo) or nosudo.")
@click.argument("node")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def ssh(name: str, user: str, node: str, command: tuple[str, ...]) -> int:
    """Log in to a host, or run a command there, as any machine would over SSH."""
    found = _known(existing(name), node)
    options = [
        f"UserKnownHostsFile={paths.known_hosts(name)}",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
    ]
    arguments = ["-i", str(found.key), *(part for option in options for part in ("-o", option))]
    return subprocess.run(
        ["ssh", *arguments, f"{user}@{found.address(node)}", *command], check=False
    ).returncode


@lab.command("demo", short_help="Deploy a workload and ask it.")
@named
def show_demo(name: str) -> None:
    """Deploy a workload behind the load balancer's address, ask it, and say what to try next."""
    found = existing(name)
    shown = demo.shown(found)
    click.echo(demo.text(found, shown))
    models = served.served(found, shown.control_plane)
    if lines := [line for each in models for line in question(each.model, each.address, each.key)]:
        click.echo("\nTo ask its models:")
        click.echo(textwrap.indent("\n".join(lines), "    "))


@lab.command()
@versions_option
@click.argument("inventories", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def build(versions: tuple[str, ...], inventories: tuple[Path, ...]) -> None:
    """Build what a lab serves, also to INVENTORIES, and nothing else."""
    progress = Progress()
    packages.ensure(progress.say)
    made = supply.made(versions, progress, asked.images(inventories))
    click.echo(f"{len(made.files)} files and {len(made.images)} images in {supply.mirror_root().parent}")


@lab.command("prune", short_help="Delete what no source asks for any more.")
@click.option("--yes", is_flag=True, help="Delete what is shown.")
def prune_cache(yes: bool) -> None:
    """Show what the cache keeps that this checkout does not ask for; with --yes, delete it.

    What any lab on this machine uses stays. Another checkout builds again what only it asks for.
    """
    packages.require_root()
    found = prune.pruned(Progress(), yes)
    click.echo("\n".join(prune.lines(found, deleted=yes)))


def _known(found: Lab, node: str) -> Lab:
    if node not in found.nodes:
        raise LabUsageError(f"the lab {found.name} has no host {node}; it has {', '.join(found.nodes)}")
    return found


def _show(found: Lab) -> None:
    """Print what a lab consists of."""
    state = {each.name: each.state for each in found.containers()}
    table = Table("host", "address", "state", box=None, pad_edge=False)
    for node in found.nodes:
        table.add_row(node, str(found.address(node)), state.get(found.layout.container(node), "missing"))
    for role, url in (("mirror", found.layout.mirror), ("registry", found.layout.registry)):
        table.add_row(role, url, state.get(found.layout.container(role), "missing"))
    Console().print(table)
    click.echo(f"key      {found.key}")
