"""`slipway drift`: what has changed, at every layer, and since when; read-only."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from secrets import token_hex

import click

from checks.drift import notify, overdue, systemd, timer
from checks.drift.compare import compared
from checks.drift.night import night
from checks.preflight.ignoring import misspelt
from checks.report import Format, Report, exit_code, history, metrics, render, run_id
from checks.report.terminal import color, width
from deploy.catalog import lock
from deploy.cli import choices
from deploy.cli.evidence import digest, keep, silent, told_of_the_clock
from deploy.engine import locks
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import InventoryError, RunError
from deploy.model import Cluster, load_cluster, paths
from deploy.model.secret import from_environment


@click.command()
@choices.inventory
@click.option("--install-timer", is_flag=True, help="Run every night at 03:17 on this machine, by systemd.")
@click.option("--uninstall-timer", is_flag=True, help="Stop that; the reports stay.")
@click.option("--textfile", type=click.Path(path_type=Path), help="Write Prometheus metrics to FILE.prom.")
@click.option("--on-change", metavar="COMMAND", help="Run it with JSON on its input when something changed.")
@click.option(
    "--webhook-file", type=click.Path(path_type=Path), help="Post that JSON to the address in a file."
)
@click.option("--strict", is_flag=True, help="Exit with 4 when there are warnings.")
@click.option(
    "-o", "--output", type=click.Choice([str(each) for each in Format]), default="text", show_default=True
)
def drift(
    inventory: Path,
    textfile: Path | None,
    on_change: str | None,
    webhook_file: Path | None,
    output: str,
    *,
    install_timer: bool,
    uninstall_timer: bool,
    strict: bool,
) -> int:
    """Compare the cluster with its inventory and with the last report; read-only.

    Exits with 0 when nothing drifted, 5 when an apply would change something, 3 when a check failed or
    nobody could be told, 6 when a host is unreachable.
    """
    cluster = load_cluster(inventory)
    _check_options(textfile, on_change, webhook_file)
    if uninstall_timer:
        return _uninstall(cluster, inventory)
    if install_timer:
        _check_alone(cluster, inventory)
        _check_folder(textfile)
        return _install(cluster, inventory, _kept(textfile, on_change, webhook_file), textfile)
    mine = locks.on_controller(cluster.name, paths.run_lock(cluster.name), locks.me("drift"))
    with open_log(cluster.name, "drift"), mine:  # until all is kept and told, which the next run goes by
        seen = _run(cluster, inventory)
        kept = keep(seen)  # before anybody is told: a hook may ask for it, or be the run's end
        telling = notify.tell(seen, on_change, webhook_file, paths.told(cluster.name))
        report = replace(seen, hook_failed=telling.failed)
        if kept and telling.failed:
            keep(report)
        _write_metrics(report, textfile)
    click.echo(render(report, output, width=width(sys.stdout), color=color(sys.stdout)), nl=False)
    for wrong in (*misspelt(cluster.drift_ignore, report.rows), *telling.wrong):
        click.echo(wrong, err=True)
    return exit_code(report, output, strict=strict)


def _run(cluster: Cluster, inventory: Path) -> Report:
    """Return tonight's report, compared with the last one."""
    started, before = datetime.now(UTC), time.monotonic()
    pinned = lock.path_of(inventory)
    last = history.last(paths.reports(cluster.name), "drift", started)
    told_of_the_clock(paths.reports(cluster.name), "drift", started)
    success = metrics.succeeded(last) if last else None
    night_before = last.last_nightly if last else None
    with Session(cluster, inventory) as session:
        locks.refuse_busy(session)
        seen = night(session, cluster, lock.load(pinned), date.today())  # noqa: DTZ011 - the operator's day
        locks.refuse_busy(session)  # what was half done meanwhile is no drift
        report = Report(
            verb="drift",
            cluster=cluster.name,
            run=run_id(started, token_hex(2)),
            started=started.replace(microsecond=0),
            seconds=time.monotonic() - before,
            findings=(*seen.findings, overdue.nightly(night_before, started, _installed(cluster))),
            rows=seen.rows,
            unreachable=silent(session),
            inventory_sha256=digest(inventory),
            lock_sha256=digest(pinned),
            last_success=success,
            last_nightly=started.replace(microsecond=0) if _at_night() else night_before,
        )
    return compared(report, last, seen.unjudged)


def _at_night() -> bool:
    """Say whether the timer began this run."""
    return bool(os.environ.get(timer.NIGHTLY))


def _units() -> Path:
    """Return where the units of whoever runs this are kept."""
    return timer.directory(root=os.geteuid() == 0, home=Path.home())


def _installed(cluster: Cluster) -> datetime | None:
    """Return since when this machine runs the cluster's drift every night; None when it does not."""
    where = _units()
    try:
        written = (where / f"slipway-drift-{cluster.name}.timer").stat().st_mtime
    except FileNotFoundError:
        return None
    return datetime.fromtimestamp(written, UTC)


def _write_metrics(report: Report, textfile: Path | None) -> None:
    try:
        if textfile is not None:
            history.write(textfile, metrics.render(report), mode=0o644)
    except RunError as error:
        click.echo(str(error), err=True)


def _check_options(textfile: Path | None, on_change: str | None, webhook_file: Path | None) -> None:
    if textfile is not None and textfile.suffix != ".prom":
        raise InventoryError(f"{textfile}: node_exporter reads files that end in .prom only")
    if webhook_file is not None and not _at_night():
        notify.address(webhook_file)  # at night the look is worth more: the hook fails, and all else is done
    if on_change is not None:
        timer.words(on_change)


def _check_alone(cluster: Cluster, inventory: Path) -> None:
    """Refuse a job that could not even read its inventory: systemd starts it without anybody's variables."""
    if found := from_environment(cluster):
        raise InventoryError(
            f"{inventory}: at night there are none of your variables, and secrets are taken from some:\n"
            + "".join(f"  {each}\n" for each in found)
            + "Put each into a file that only you may read, and refer to it by {file: PATH}."
        )


def _check_folder(textfile: Path | None) -> None:
    """Refuse a folder that is not there: every night would go without metrics, which nobody sees."""
    if textfile is not None and not (folder := textfile.resolve().parent).is_dir():
        raise InventoryError(
            f"--textfile {textfile}: {folder} is no folder, wanted the one that node_exporter reads (its "
            "--collector.textfile.directory); make it, or mount what it lies on"
        )


def _kept(textfile: Path | None, on_change: str | None, webhook_file: Path | None) -> tuple[str, ...]:
    """Return the options that the nightly job is to have, too."""
    named = {
        "--textfile": textfile and str(textfile.resolve()),
        "--on-change": on_change and timer.anywhere(on_change),
        "--webhook-file": webhook_file and str(webhook_file.resolve()),
    }
    return tuple(word for name, value in named.items() if value for word in (name, str(value)))


def _install(cluster: Cluster, inventory: Path, options: tuple[str, ...], textfile: Path | None) -> int:
    state = paths.cluster_state(cluster.name)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    root = os.geteuid() == 0
    slipway = (str(Path(sys.argv[0]).resolve()), "drift", str(inventory.resolve()), "-o", "short")
    job = timer.Job(
        cluster=cluster.name,
        command=(*slipway, *options),
        working_directory=Path("/"),
        environment=(("HOME", str(Path.home())), ("XDG_STATE_HOME", str(paths.state_home().parent))),
        state=state,
        metrics=textfile.resolve().parent if textfile else None,
        root=root,
    )
    where = _units()
    before = timer.installed(cluster.name, where)
    for path in timer.install(job, where, root=root):
        click.echo(f"wrote {path}")
    if other := _other(before, inventory):
        click.echo(f"in place of the timer of {other}")
    _leave_metrics(before, textfile)
    click.echo(f"{job.name}.timer runs every night at 03:17; reports: {paths.reports(cluster.name)}")
    if "--on-change" in options:
        click.echo(timer.sandboxed(job))
    if not root and (kept := systemd.by_day_only()):
        click.echo(kept)
    if any(each.key is None for each in map(cluster.ssh_of, cluster.nodes)):
        click.echo("It has no SSH agent: without ssh.key in the inventory it tries your default keys only")
    return 0


def _other(command: Sequence[str], inventory: Path) -> str | None:
    """Return the inventory of a job's command, where it is another."""
    found = timer.option(command, "drift")
    return found if found != str(inventory.resolve()) else None


def _leave_metrics(command: Sequence[str], textfile: Path | None = None) -> None:
    """Say which file a job's command wrote that this one does not write any more."""
    found = timer.option(command, "--textfile")
    if found and Path(found).exists() and (textfile is None or found != str(textfile.resolve())):
        click.echo(f"{found} stays, and what it says grows old: delete it if no other run writes it")


def _uninstall(cluster: Cluster, inventory: Path) -> int:
    root = os.geteuid() == 0
    where = _units()
    before = timer.installed(cluster.name, where)
    removed = timer.uninstall(cluster.name, where, root=root)
    for path in removed:
        click.echo(f"removed {path}")
    if other := _other(before, inventory):
        click.echo(f"it was the timer of {other}")
    _leave_metrics(before)
    if not removed:
        click.echo(f"there was no timer of {cluster.name}")
    return 0
