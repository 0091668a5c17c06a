"""`slipway preflight --fix`: named fixes as phases on the hosts that need them, planned and shown first."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import click
from typing_extensions import override

from checks.catalogue import Fix, Phase, UnknownCheckError, check, of_phase
from checks.finding import Finding, Status
from deploy.cli.asking import consent
from deploy.cli.plan import show
from deploy.cli.progress import watching
from deploy.engine.applying import Apply
from deploy.engine.session import Session
from deploy.engine.survey import survey
from deploy.errors import InventoryError
from deploy.model import Cluster
from deploy.plan import Phase as Step
from deploy.plan import Where
from deploy.printable import printable
from deploy.steps.fixes import FIXES, WARNINGS

SAFE = "safe"
NO_TERMINAL = "--fix asks before it changes anything, and there is no terminal to answer on: add --yes"


@dataclass(frozen=True, slots=True)
class Mend(Step):
    """A fix, on the hosts whose check failed and on no other."""

    on: tuple[str, ...] = ()

    @override
    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        return self.on


def chosen(texts: Iterable[str]) -> frozenset[str]:
    """Return the ids that `--fix` names; `safe` stands for every fix that nobody needs to be asked about."""
    ids: set[str] = set()
    for text in (part for each in texts for part in each.split(",") if part):
        if text.lower() == SAFE:
            ids |= {entry.id for entry in of_phase(Phase.PREFLIGHT) if entry.fix is Fix.YES}
            continue
        entry = check(text)
        if entry.id not in FIXES:
            known = ", ".join(FIXES)
            raise UnknownCheckError(
                f"{entry.id} has no fix of its own: {entry.remedy}\n(fixes: {SAFE}, {known})"
            )
        ids.add(entry.id)
    return frozenset(ids)


def mends(findings: Iterable[Finding], ids: Collection[str]) -> tuple[Mend, ...]:
    """Return the fixes that are named and needed; two checks with one fix make it once."""
    hosts: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    for finding in findings:
        if finding.status is Status.FAIL and finding.check in ids and finding.host is not None:
            step = FIXES[finding.check]
            hosts.setdefault(step, []).append(finding.host)
            named.setdefault(step, []).append(finding.check)
    return tuple(
        Mend(
            name=",".join(dict.fromkeys(named[step])),
            title=check(named[step][0]).title,
            step=f"deploy.steps.fixes.{step}",
            where=Where.ALL,
            on=tuple(dict.fromkeys(on)),
        )
        for step, on in hosts.items()
    )


def mend(session: Session, steps: Sequence[Mend], *, yes: bool) -> bool:
    """Show what the fixes would change, ask, and change it; return whether something failed."""
    found = survey(session, steps)
    for step in steps:
        for id_ in (each for each in step.name.split(",") if each in WARNINGS):
            click.echo(f"{id_} on {', '.join(step.on)}: {WARNINGS[id_]}")
    show(found.rows, steps, session, output="text", verbose=False)
    if not found.pending:
        return any(row.reason for row in found.rows if row.state == "error")
    if not yes:
        if not sys.stdin.isatty():
            raise InventoryError(NO_TERMINAL)
        consent("Apply these fixes?")
    with watching() as watcher:
        work = Apply(session, watcher, {row.key: row for row in found.rows}, found.speaker, found.members)
        work.run(steps)
    for row in work.outcome.failed:
        click.echo(printable(f"{row.host}: {row.operation} failed:\n{row.reason}"), err=True)
    return bool(work.outcome.failed)
