"""What the engine relies on in pyinfra 3.10 and is not documented: a new version must keep each."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import pyinfra
import pytest
from pyinfra.api import Config, Inventory, State, StringCommand, arguments, util
from pyinfra.connectors.fake import FakeConnector
from pyinfra.connectors.util import run_local_process
from pyinfra.context import ctx_host, ctx_state

from deploy import context
from deploy.engine import phase as engine
from deploy.engine.phase import Operation, Prepared
from deploy.model import Cluster
from deploy.plan import Phase, Where
from tests.unit.engine import sample
from tests.unit.engine.sshd import cluster_of


def prepared(step: str, **data: object) -> Prepared:
    cluster: Cluster = cluster_of(
        {"name": "cp1", "address": "10.0.0.1"}, {"name": "w1", "address": "10.0.0.2"}
    )
    hosts = {
        node.name: {
            **context.host_data(cluster, node, "none"),
            "fake_delay": 0,
            "fake_delay_jitter": 0,
            **data,
        }
        for node in cluster.nodes
    }
    phase = Phase(step, step, f"tests.unit.engine.sample.{step}", Where.ALL)
    return engine.prepare(phase, ["cp1", "w1"], hosts, FakeConnector)


def ids(found: Prepared) -> dict[str, list[str]]:
    return {host: [each.id for each in operations] for host, operations in found.operations.items()}


def test_operation_ids_follow_the_call_and_not_the_position() -> None:
    """With ids by position `Only here` of one host would be `Then rest` of the other."""
    found = ids(prepared("named_by_host"))

    assert pyinfra.is_cli
    assert found["cp1"] == [found["w1"][0], found["w1"][2]]


def test_what_every_operation_may_be_given_is_made_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """pyinfra looks for the function in its own module, where the engine has put one that remembers."""
    asked: list[str] = []
    remembered = arguments.all_global_arguments

    def asking() -> list[tuple[str, type]]:
        asked.append("it")
        return remembered()

    monkeypatch.setattr(arguments, "all_global_arguments", asking)

    prepared("named_by_host")

    assert asked
    assert remembered() is remembered()


def test_where_an_operation_is_called_is_told_without_its_source() -> None:
    """pyinfra takes both from its own module, too, and reads nothing of a frame but its file and its line."""
    (frame, *_), *_ = util.stack()

    assert frame.f_code.co_name == "test_where_an_operation_is_called_is_told_without_its_source"
    assert util.getframeinfo(frame).filename == __file__
    assert util.getframeinfo(frame).code_context is None


def test_a_host_has_the_data_that_it_was_given_and_no_other() -> None:
    [host, _] = prepared("named_by_host", colour="red").state.inventory

    assert (host.data.get("colour"), host.data.get("size")) == ("red", None)
    assert len(host.data.datas) == 2, "what an operation sets, and what the engine gives"


def test_without_the_flag_pyinfra_counts_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(Inventory((["@fake"], {})), Config(), check_for_changes=False)
    monkeypatch.setattr(pyinfra, "is_cli", False)
    host = state.inventory.get_host("@fake")
    with ctx_state.use(state), ctx_host.use(host):
        sample.written(name="a", path="/a", text="")
        sample.written(name="b", path="/b", text="")

    orders = [state.op_meta[id_].op_order for id_ in host.op_hash_order]
    assert orders == [(0,), (1,)]


def test_an_operation_is_not_evaluated_when_it_is_prepared() -> None:
    found = prepared("two_files")

    assert [host.connector.executed_commands for host in found.state.inventory] == [[], []]


def test_a_generator_may_be_run_again_and_again() -> None:
    found = prepared("two_files")
    operation = found.operations["cp1"][0]
    rows = [engine.look(found, operation) for _ in range(3)]

    assert rows[0] == rows[1] == rows[2]


def test_an_operation_runs_once_per_state() -> None:
    found = prepared("two_files")
    operation: Operation = found.operations["cp1"][0]
    first, second = engine.run(found, operation), engine.run(found, operation)

    assert (first.changed, first.error) == (True, None)
    assert second.error == "RuntimeError: Cannot complete an already complete operation"


def test_the_state_says_that_it_executes_only_while_an_operation_runs() -> None:
    found = prepared("watched", fake_responses={"cat": ""})
    sample.seen.clear()
    engine.look(found, found.operations["cp1"][0])
    engine.run(found, found.operations["cp1"][0])
    engine.look(found, found.operations["w1"][0])

    assert sample.seen == [False, True, False]


def test_timeouts_need_gevents_patches() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        run_local_process("sleep 5", timeout=1)
    assert time.monotonic() - started < 3


def test_a_phase_costs_little() -> None:
    """A plan has some twelve; the bound leaves room for a busy machine (11 ms were measured on one)."""
    costs = [_seconds(partial(prepared, "two_files")) for _ in range(5)]

    assert min(costs) < 0.1


def _seconds(call: Callable[[], object]) -> float:
    started = time.monotonic()
    call()
    return time.monotonic() - started


def test_a_secret_value_is_masked_in_what_is_shown() -> None:
    assert str(StringCommand("login", pyinfra.api.HiddenValue("hunter2"))) == "login *MASKED*"
