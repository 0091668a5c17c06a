"""`slipway preflight`: check the hosts before anything is touched."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import click

from checks.catalogue import Fix, Phase, check, of_phase
from checks.collect.collect import collect
from checks.collect.collection import Collection, parse
from checks.collect.observed import Observed
from checks.collect.probing import probed
from checks.finding import Finding
from checks.preflight import preflight as judge
from checks.preflight import sample, urls
from checks.report import Format, Report, exit_code, render, run_id
from checks.report.terminal import color, width
from deploy.cli import choices
from deploy.cli.evidence import digest, keep, silent
from deploy.engine import locks
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import Exit, InventoryError
from deploy.model import Cluster, load_cluster, paths

PROBE = Path(__file__).resolve().parents[2] / "files/preflight/probe.py"
TITLES = {entry.id: entry.title for entry in of_phase(Phase.PREFLIGHT)}
FIXABLE = frozenset(entry.id for entry in of_phase(Phase.PREFLIGHT) if entry.fix is not Fix.NO)
FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was read, what it came to, which hosts did not answer, and whether a fix went wrong."""

    collection: Collection
    findings: list[Finding]
    unreachable: dict[str, str]
    broken: bool = False


def run_preflight(session: Session, cluster: Cluster) -> list[Finding]:
    """Read every host over a session that is open, and judge: what an apply does before it plans."""
    return judge(cluster, collect(session, urls(cluster)).observations())


def _ids(context: click.Context, parameter: click.Parameter, value: Sequence[str]) -> frozenset[str]:  # noqa: ARG001 - click's signature
    return frozenset(check(name).id for text in value for name in text.split(",") if name)


@click.command()
@choices.inventory
@click.option("--ignore", multiple=True, callback=_ids, metavar="ID[,ID]", help="Only warn of these.")
@click.option("--active", is_flag=True, help="Also listen, write and fetch on the hosts for some seconds.")
@click.option("--fix", multiple=True, metavar="ID[,ID]|safe", help="Mend these, after showing how.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask before fixing.")
@click.option("--save", type=FILE, help="Write what was read to a file.")
@click.option("--baseline", type=FILE, help="Judge a saved file; no host is asked.")
@click.option("--strict", is_flag=True, help="Exit with 4 when there are warnings.")
@click.option(
    "-o", "--output", type=click.Choice([str(each) for each in Format]), default="text", show_default=True
)
def preflight(
    inventory: Path,
    ignore: frozenset[str],
    fix: tuple[str, ...],
    save: Path | None,
    baseline: Path | None,
    output: str,
    *,
    active: bool,
    yes: bool,
    strict: bool,
) -> int:
    """Check the hosts before anything is touched; each is read once, and nothing on it changes.

    With --fix, what is named and failed is mended: `safe` stands for all that nobody needs to be asked about.
    Exits with 0 when all is well, 3 when a check failed, 6 when a host is unreachable.
    """
    if baseline is not None and (active or fix):
        raise click.UsageError("--baseline asks no host; --active and --fix need them")
    if save is not None and not save.parent.is_dir():
        raise InventoryError(f"--save {save}: there is no directory {save.parent}")
    cluster = load_cluster(inventory)
    started, before = datetime.now(UTC), time.monotonic()
    if baseline is not None:
        judged = _rejudged(baseline, cluster, ignore)
    else:
        judged = _asked(inventory, cluster, ignore, fix, active=active, yes=yes)
    if save is not None:
        save.write_text(judged.collection.text())
    report = _report(judged, cluster, inventory, started, time.monotonic() - before)
    if baseline is None:
        keep(report)
    click.echo(render(report, output, width=width(sys.stdout), color=color(sys.stdout)), nl=False)
    code = exit_code(report, output, strict=strict)
    return Exit.FAILED if judged.broken and code in (Exit.OK, Exit.WARNINGS) else code


def _asked(
    inventory: Path,
    cluster: Cluster,
    ignored: frozenset[str],
    fix: tuple[str, ...],
    *,
    active: bool,
    yes: bool,
) -> Judged:
    """Judge what the hosts say now; with fixes, what they say afterwards."""
    with open_log(cluster.name, "preflight"), Session(cluster, inventory) as session:
        judged = _judged(session, cluster, ignored, active=active)
        if not fix:
            return judged
        broken = _fixed(session, judged.findings, fix, yes=yes)
        return replace(_judged(session, cluster, ignored, active=active), broken=broken)


def _rejudged(baseline: Path, cluster: Cluster, ignored: frozenset[str]) -> Judged:
    collection = _saved(baseline, cluster)
    return Judged(collection, judge(cluster, collection.observations(), ignored=ignored), {})


def _report(judged: Judged, cluster: Cluster, inventory: Path, started: datetime, seconds: float) -> Report:
    return Report(
        verb="preflight",
        cluster=cluster.name,
        run=run_id(started, token_hex(2)),
        started=started,
        seconds=seconds,
        findings=tuple(judged.findings),
        titles=TITLES,
        fixable=FIXABLE,
        unreachable=judged.unreachable,
        inventory_sha256=digest(inventory),
    )


def _judged(session: Session, cluster: Cluster, ignored: frozenset[str], *, active: bool) -> Judged:
    collection = collect(session, urls(cluster))
    hosts: tuple[Observed, ...] = collection.observations()
    if active:
        hosts = probed(session, hosts, PROBE.read_text(), sample(cluster))
    return Judged(collection, judge(cluster, hosts, ignored=ignored), silent(session))


def _fixed(session: Session, findings: Sequence[Finding], fix: tuple[str, ...], *, yes: bool) -> bool:
    """Mend what is named and failed; return whether that went wrong."""
    from deploy.cli.mending import chosen, mend, mends  # pyinfra's operations, which only a fix needs

    steps = mends(findings, chosen(fix))
    if not steps:
        click.echo("Nothing that was named needs a fix.", err=True)
        return False
    name = session.cluster.name
    holder = locks.me("preflight --fix")
    # what is fixed is told on stderr: the report alone goes to stdout
    with locks.on_controller(name, paths.run_lock(name), holder), redirect_stdout(sys.stderr):
        return mend(session, steps, yes=yes)


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
