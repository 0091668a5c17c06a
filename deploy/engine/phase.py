"""One phase as one pyinfra State: prepare its operations on every host, look at each, run each.

pyinfra's own runner is not used: it stops at a barrier after every operation and asks for all of them to be
evaluated twice. Here an operation is evaluated once for the plan, and once more only when it runs.
"""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any

import gevent
import pyinfra
from gevent.local import local
from pyinfra.api import Config, Host, Inventory, State, StringCommand, arguments, util
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import HostData
from pyinfra.api.operations import run_host_op
from pyinfra.api.state import StateStage
from pyinfra.api.util import FILE_SHAS, TEMPLATES
from pyinfra.context import ctx_config, ctx_host, ctx_inventory, ctx_state
from typing_extensions import override

from deploy.engine.link import LostError
from deploy.engine.log import LOGGER
from deploy.engine.masking import masked
from deploy.errors import InventoryError, SlipwayError
from deploy.model.row import Disturbs, Row
from deploy.model.row import State as RowState
from deploy.operations import notes
from deploy.plan import Phase

HostMaker = Callable[[State, Host], Any]
_executing: ContextVar[bool] = ContextVar("executing", default=False)


class _PerGreenlet(local):
    """Where pyinfra keeps its current State: one for the process. Here each greenlet has its phase's."""

    module: Any = None


for _kept in (ctx_state, ctx_inventory):
    _kept.context._container = _PerGreenlet()  # a contract test holds it


# or pyinfra evaluates all its annotations anew for each operation and each fact,
arguments.all_global_arguments = cache(arguments.all_global_arguments)
# and reads the source of every caller, of which it needs the place alone
util.stack, util.getframeinfo = partial(inspect.stack, 0), partial(inspect.getframeinfo, context=0)


class FactError(PyinfraError):
    """A fact could not be read. pyinfra would go on with the fact's default, as if that had been found."""


class PhaseInventory(Inventory):
    """Hosts that are reached by one connector; pyinfra's own would search all packages for connectors."""

    def __init__(self, data: Mapping[str, Mapping[str, Any]], connector: HostMaker) -> None:
        self._connector = connector
        super().__init__(([(name, dict(values)) for name, values in data.items()], {}))  # type: ignore[no-untyped-call]

    @override
    def make_hosts_and_groups(self, names: Sequence[tuple[str, dict[str, Any]]], groups: object) -> None:
        self.host_data.update(names)
        self.hosts = {name: Host(name, self, [], self._connector) for name, _ in names}
        for name, host in self.hosts.items():
            # no group and no deploy has data: pyinfra would look into all of them for each argument there is
            host.data = HostData(host, self.host_data[name])


class PhaseState(State):
    """A State whose hosts run on their own, and in which an unread fact is an error, never a default."""

    @property
    @override
    def is_executing(self) -> bool:  # type: ignore[override]  # pyinfra's is one flag for all hosts
        """Say whether the current greenlet runs an operation, rather than looking at it."""
        return _executing.get()

    @override
    def fail_hosts(self, hosts_to_fail: set[Host], activated_count: int | None = None) -> None:
        for host in hosts_to_fail:
            said = getattr(host.connector, "failed", None)
            raise FactError(f"could not read the host: {said or 'the answer was not understood'}")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a phase on one host."""

    host: str
    name: str
    id: str


@dataclass(frozen=True, slots=True)
class Done:
    """What running an operation came to; `error` is None when it succeeded."""

    changed: bool
    seconds: float
    error: str | None = None


@dataclass
class Prepared:
    """A phase's operations, host by host in order; hosts on which preparing failed are in `errors`.

    `lost` are the connections that died meanwhile.
    """

    phase: Phase
    state: PhaseState
    operations: dict[str, list[Operation]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    lost: list[LostError] = field(default_factory=list)


def prepare(
    phase: Phase,
    on: Sequence[str],
    data: Mapping[str, Mapping[str, Any]],
    connector: HostMaker,
) -> Prepared:
    """Call the phase's step on some hosts at once; all of `data`'s hosts can be asked by its operations."""
    wanted = step(phase.step)
    state = _state(data, connector)
    prepared = Prepared(phase, state)

    def one(name: str) -> None:
        host = state.inventory.get_host(name)
        try:
            with _current(state, host):
                wanted()
        except InventoryError:
            raise
        except Exception as error:  # noqa: BLE001 - a step's mistake is its host's, not the run's
            prepared.errors[name] = describe(error)
            if isinstance(error, LostError):
                prepared.lost.append(error)
                prepared.operations[name] = []
                return
        prepared.operations[name] = [_operation(state, host, id_) for id_ in host.op_hash_order]

    gevent.joinall([state.pool.spawn(one, name) for name in on], raise_error=True)
    return prepared


def look(prepared: Prepared, operation: Operation) -> Row:
    """Return what an operation would do now; nothing is changed."""
    state, host = prepared.state, prepared.state.inventory.get_host(operation.host)
    commands: tuple[str, ...] = ()
    with notes.listening() as said:
        try:
            with _current(state, host):
                commands = tuple(map(_shown, state.ops[host][operation.id].command_generator()))
        except (InventoryError, LostError):
            raise
        except Exception as error:  # noqa: BLE001 - an operation's mistake is a row of the plan
            return _row(prepared, operation, RowState.ERROR, said, reason=describe(error))
    if said.until:
        return _row(prepared, operation, RowState.UNKNOWN, said, commands=commands)
    return _row(prepared, operation, RowState.CHANGE if commands else RowState.NONE, said, commands=commands)


def run(prepared: Prepared, operation: Operation) -> Done:
    """Run an operation."""
    state, host = prepared.state, prepared.state.inventory.get_host(operation.host)
    started = time.monotonic()
    token = _executing.set(True)
    try:
        with _current(state, host):
            succeeded = run_host_op(state, host, operation.id)
        meta = state.ops[host][operation.id].operation_meta
        changed, error = meta.did_change(), None if succeeded else _failed(host)
    except LostError:
        raise
    except Exception as mistake:  # noqa: BLE001 - reported as the row's error
        changed, error = True, describe(mistake)
    finally:
        _executing.reset(token)
    seconds = time.monotonic() - started
    outcome = error or ("changed" if changed else "nothing to do")
    LOGGER.info("[%s] %s, %.3fs: %s: %s", host.name, prepared.phase.name, seconds, operation.name, outcome)
    return Done(changed, seconds, error)


def with_error(row: Row, error: str) -> Row:
    """Return a row whose operation was run and failed."""
    return replace(row, state=RowState.ERROR, reason=error, until=None)


def describe(error: Exception) -> str:
    """Say what went wrong: an operator's error as it is, any other with its type."""
    known = isinstance(error, SlipwayError | FactError)
    return masked(str(error) if known else f"{type(error).__name__}: {error}")


@contextmanager
def _current(state: PhaseState, host: Host) -> Generator[None, None, None]:
    """Make these what pyinfra's contexts mean in this greenlet, also when something raises inside."""
    mine = {ctx_state: state, ctx_inventory: state.inventory, ctx_config: state.config.copy(), ctx_host: host}
    before = {context: context.get() for context in mine}
    for context, value in mine.items():
        context.set(value)
    try:
        yield
    finally:
        for context, value in before.items():
            context.set(value)


def step(dotted: str) -> Callable[[], Any]:
    """Return the deploy function of a dotted name."""
    module, _, name = dotted.rpartition(".")
    return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]


def _state(data: Mapping[str, Mapping[str, Any]], connector: HostMaker) -> PhaseState:
    pyinfra.is_cli = True  # operation ids from the call stack: hosts that differ in operations stay apart
    FILE_SHAS.clear()
    TEMPLATES.clear()
    inventory = PhaseInventory(data, connector)
    state = PhaseState(check_for_changes=False)
    state.init(inventory, Config())
    for host in inventory:
        host.connected = True
        state.activate_host(host)
    state.set_stage(StateStage.Prepare)
    return state


def _operation(state: State, host: Host, id_: str) -> Operation:
    name = state.ops[host][id_].global_arguments["name"] or min(state.op_meta[id_].names)
    return Operation(host.name, name, id_)


def _shown(command: object) -> str:
    text = str(command) if isinstance(command, StringCommand) else repr(command)
    return masked(text)


def _row(
    prepared: Prepared,
    operation: Operation,
    state: RowState,
    said: notes.Notes,
    *,
    reason: str | None = None,
    commands: tuple[str, ...] = (),
) -> Row:
    pending = state in (RowState.CHANGE, RowState.UNKNOWN)
    return Row(
        phase=prepared.phase.name,
        host=operation.host,
        operation=operation.name,
        state=state,
        disturbs=said.disturbs if pending else Disturbs.NOTHING,
        diff="\n".join(said.diffs) or None if pending else None,
        reason=reason or ("; ".join(said.reasons) or None if pending else None),
        until=said.until if pending else None,
        commands=commands,
        of_cluster=prepared.phase.of_cluster,
    )


def _failed(host: Host) -> str:
    return masked(getattr(host.connector, "failed", None) or "the command failed")
