"""Making the hosts what the plan says, phase by phase; what disturbs a running cluster waits to be rolled."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from deploy.engine import phase as engine
from deploy.engine import planning, speaker
from deploy.engine.link import LostError
from deploy.engine.phase import Prepared
from deploy.engine.session import Session
from deploy.engine.speaker import KubeNode
from deploy.errors import InventoryError, UnreachableError
from deploy.model.row import Disturbs, Row, State
from deploy.plan import Phase, Where

NO_API = "no control plane's API server answers"
SILENT = (
    f"{NO_API}, though hosts have joined the cluster: only what disturbs nothing was done. Look at "
    "`journalctl -u kubelet` (k3s: `-u k3s`) on the control planes, and run the same command again"
)


@dataclass
class Outcome:
    """What became of rows: done, left for later, or failed; and what the shown plan did not say."""

    done: list[Row] = field(default_factory=list)
    deferred: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)
    unforeseen: list[Row] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Count another outcome in."""
        self.done += other.done
        self.deferred += other.deferred
        self.failed += other.failed
        self.unforeseen += other.unforeseen


class Watcher(Protocol):
    """Who is told how an apply goes on."""

    def phase_begins(self, title: str, hosts: Sequence[str]) -> None:
        """A phase starts on some hosts."""

    def row_begins(self, row: Row) -> None:
        """An operation starts on a host."""

    def phase_ended(self, title: str, outcome: Outcome, seconds: float) -> None:
        """A phase ended, on all of its hosts."""

    def said(self, text: str) -> None:
        """Something that a person should know."""


@dataclass
class Apply:
    """One apply in progress. A host on which a phase failed takes part in no later one."""

    session: Session
    watcher: Watcher
    shown: Mapping[tuple[str, str, str], Row]
    speaker: str | None
    members: Mapping[str, KubeNode]
    outcome: Outcome = field(default_factory=Outcome)

    def run(self, phases: Iterable[Phase]) -> None:
        """Run the phases; on hosts that serve a running cluster only what disturbs none of them."""
        for phase in phases:
            if self._needs_speaker(phase) and self.speaker not in self.session.hosts:
                self.speaker = None
                if not self.hears():
                    self._nobody_speaks(phase)
                    return
            if on := self._hosts(phase):
                self._phase(phase, on)

    def hears(self) -> bool:
        """Say whether a control plane speaks for the cluster; one that does tells how its nodes are."""
        if self.speaker is None:
            ask = speaker.awaited if self.members else speaker.speaker
            self.speaker = ask(self.session)
            if self.speaker is not None and self.members:
                self.members = {**self.members, **speaker.nodes(self.session, self.speaker)}
        return self.speaker is not None

    def allowed(self, host: str) -> Disturbs:
        """Return what may be disturbed at once: on a host that pods run on, nothing of its own."""
        return Disturbs.MODEL if host in self.members else Disturbs.HOST

    def rows_on(self, phase: Phase, host: str) -> Outcome:
        """Run all of a phase's rows on one host, disturbing or not; what became of them is counted."""
        prepared = planning.prepare(self.session, phase, [host], self.speaker)
        outcome = self.session.each([host], lambda name: self._host(prepared, name, Disturbs.HOST))
        self.outcome.add(outcome[host])
        return outcome[host]

    def failed_hosts(self) -> set[str]:
        """Return the hosts on which something failed."""
        return {row.host for row in self.outcome.failed}

    def _hosts(self, phase: Phase) -> list[str]:
        failed = self.failed_hosts()
        return [name for name in planning.hosts(self.session, phase, self.speaker) if name not in failed]

    def _needs_speaker(self, phase: Phase) -> bool:
        """Say whether a phase asks the API: without one nobody can join, and there is nobody to talk to."""
        return phase.where in (Where.SPEAKER, Where.OTHERS, Where.WORKERS)

    def _nobody_speaks(self, phase: Phase) -> None:
        """Name what stops the rest, unless the control plane's own failure is on record already."""
        first = self.session.cluster.control_planes[0].name
        if first not in self.failed_hosts():
            self.outcome.failed.append(planning.failed(phase, first, SILENT if self.members else NO_API))

    def _phase(self, phase: Phase, on: Sequence[str]) -> None:
        started = time.monotonic()
        self.watcher.phase_begins(phase.title, on)
        outcome = Outcome()
        for batch in [[name] for name in on] if phase.where is Where.OTHERS else [on]:
            prepared = planning.prepare(self.session, phase, batch, self.speaker)
            done = self.session.each(batch, self._allowed_rows(prepared))
            for name in batch:
                outcome.add(done[name])
            if outcome.failed and phase.where is Where.OTHERS:
                break  # a second control plane that fails to join could cost etcd its quorum
        self.outcome.add(outcome)
        self.watcher.phase_ended(phase.title, outcome, time.monotonic() - started)

    def _allowed_rows(self, prepared: Prepared) -> Callable[[str], Outcome]:
        return lambda name: self._host(prepared, name, self.allowed(name))

    def _host(self, prepared: Prepared, name: str, allowed: Disturbs) -> Outcome:
        outcome = Outcome()
        try:
            self._operations(prepared, name, allowed, outcome)
            # a host that goes down answers wrongly before its connection ends
            if outcome.failed and name in self.session.hosts:
                self.session.outlives(name)
        except (UnreachableError, InventoryError) as error:
            if isinstance(error, LostError):
                self.session.lost(error)
            outcome.failed.append(planning.failed(prepared.phase, name, str(error)))
        return outcome

    def _operations(self, prepared: Prepared, name: str, allowed: Disturbs, outcome: Outcome) -> None:
        for operation in prepared.operations[name]:
            row = engine.look(prepared, operation)
            if row.state is State.ERROR:
                outcome.failed.append(row)
                return
            if not row.pending:
                continue
            if self._unforeseen(row):
                outcome.unforeseen.append(row)
            if row.disturbs > allowed:
                outcome.deferred.append(row)
                continue
            self.watcher.row_begins(row)
            done = engine.run(prepared, operation)
            if done.error:
                outcome.failed.append(engine.with_error(row, done.error))
                return
            if done.changed:
                outcome.done.append(row)
        if name in prepared.errors:
            outcome.failed.append(planning.failed(prepared.phase, name, prepared.errors[name]))

    def _unforeseen(self, row: Row) -> bool:
        shown = self.shown.get(row.key)
        return shown is None or shown.state is State.NONE
