"""`slipway preflight`: check the hosts before anything is touched."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import click

from checks.catalogue import Fix, Phase, check, of_phase
from checks.collect.collect import collect
from checks.collect.collection import Collection, parse
from checks.collect.probing import probed
from checks.finding import Finding
from checks.preflight import preflight as judge
from checks.preflight import sample, urls
from checks.report import Format, Report, render, run_id
from checks.report.terminal import color, width
from deploy.cli import choices
from deploy.cli.verify import digest, silent
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import InventoryError
from deploy.model import Cluster, load_cluster
from deploy.render import file as render_file

PROBE = "preflight/probe.py"
TITLES = {entry.id: entry.title for entry in of_phase(Phase.PREFLIGHT)}


def run_preflight(session: Session, cluster: Cluster) -> list[Finding]:
    """Read every host over a session that is open, and judge: what an apply does before it plans."""
    return judge(cluster, collect(session, urls(cluster)).observations())


def _ids(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> frozenset[str]:  # noqa: ARG001 - click's signature
    return frozenset(check(name).id for text in value for name in text.split(",") if name)


@click.command()
@choices.inventory
@click.option("--ignore", multiple=True, callback=_ids, metavar="ID[,ID]", help="Only warn of these.")
@click.option(
    "--save", type=click.Path(path_type=Path, dir_okay=False), help="Write what was read to a file."
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Judge a saved file; no host is asked.",
)
@click.option("--active", is_flag=True, help="Also listen, write and fetch on the hosts for some seconds.")
@click.option("--strict", is_flag=True, help="Exit with 4 when there are warnings.")
@click.option(
    "-o", "--output", type=click.Choice([str(each) for each in Format]), default="text", show_default=True
)
def preflight(
    inventory: Path,
    ignore: frozenset[str],
    save: Path | None,
    baseline: Path | None,
    output: str,
    *,
    active: bool,
    strict: bool,
) -> int:
    """Check the hosts before anything is touched; each is read once, and nothing on it changes.

    Exits with 0 when all is well, 3 when a check failed, 6 when a host is unreachable.
    """
    cluster = load_cluster(inventory)
    started, before = datetime.now(UTC), time.monotonic()
    if baseline is not None and active:
        raise click.UsageError("--active asks the hosts and --baseline does not: name one of them")
    unreachable: dict[str, str] = {}
    if baseline is not None:
        collection = _saved(baseline, cluster)
        hosts = collection.observations()
    else:
        with open_log(cluster.name, "preflight"), Session(cluster, inventory) as session:
            collection = collect(session, urls(cluster))
            hosts = collection.observations()
            if active:
                hosts = probed(session, hosts, render_file(PROBE).decode(), sample(cluster))
            unreachable = silent(session)
    if save is not None:
        save.write_text(collection.text())
    report = Report(
        verb="preflight",
        cluster=cluster.name,
        run=run_id(started, token_hex(2)),
        started=started,
        seconds=time.monotonic() - before,
        findings=tuple(judge(cluster, hosts, ignored=ignore)),
        titles=TITLES,
        fixable=FIXABLE,
        unreachable=unreachable,
        inventory_sha256=digest(inventory),
    )
    click.echo(render(report, output, width=width(sys.stdout), color=color(sys.stdout)), nl=False)
    return report.exit_code(strict=strict)


FIXABLE = frozenset(entry.id for entry in of_phase(Phase.PREFLIGHT) if entry.fix is not Fix.NO)


def _saved(path: Path, cluster: Cluster) -> Collection:
    """Read a saved collection, which must hold hosts of this inventory."""
    try:
        found = parse(path.read_text(), str(path))
    except OSError as error:
        raise InventoryError(f"{path}: {error.strerror}") from error
    if not set(found.hosts) & {node.name for node in cluster.nodes}:
        held = ", ".join(found.hosts) or "no host"
        raise InventoryError(f"{path} holds {held}; none of them is in the inventory of {cluster.name}")
    return found
