"""An operation on one @fake host: what the host answers goes in, commands and notes come out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pyinfra.api import Config, Inventory, State, StringCommand
from pyinfra.api.connect import connect_all
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploy.operations import notes


@dataclass(frozen=True)
class Planned:
    """What an operation would do."""

    commands: list[str]
    stdin: list[str]
    notes: notes.Notes

    @property
    def reasons(self) -> list[str]:
        return self.notes.reasons


Plan = Callable[..., Planned]


NO_CLUSTER = "=== slipway no cluster"
FORBIDDEN = '{"kind": "Status", "message": "forbidden"}\n=== slipway 403 https://api/x'
MISSING = '{"kind": "Status", "details": {"name": "x"}}\n=== slipway 404 https://api/x'


def read(*objects: Any) -> str:
    """Return how the API shows objects to a look at their paths; none means that they are missing."""
    return "\n".join(f"{json.dumps(each)}\n=== slipway 200 https://api/x" for each in objects) or MISSING


def digested(namespace: str, name: str, type_: str, values: Mapping[str, str]) -> str:
    """Return what a host lets through of a Secret: each value by its sha256."""
    data = {key: hashlib.sha256(text.encode()).hexdigest() for key, text in values.items()}
    metadata = {"name": name, "namespace": namespace}
    return read({"kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": data, "type": type_})


def _bytes(command: StringCommand) -> str:
    return str(command.connector_arguments.get("_stdin", ""))


@pytest.fixture
def plan() -> Plan:
    """Return a function that plans an operation on a host whose facts answer with the given lines."""

    def run(operation: Any, *args: Any, answers: Mapping[str, Any] | None = None, **kwargs: Any) -> Planned:
        data = {"fake_responses": answers or {}, "fake_delay": 0, "fake_delay_jitter": 0}
        state = State(Inventory((["@fake/n1"], data)), Config())
        connect_all(state)
        [host] = state.inventory
        with (
            ctx_state.use(state),
            ctx_host.use(host),
            ctx_config.use(state.config),
            notes.listening() as said,
        ):
            body: Generator[StringCommand, None, None] = operation._inner(*args, **kwargs)
            commands = list(body)
        return Planned(
            [command.get_raw_value() for command in commands], [_bytes(command) for command in commands], said
        )

    return run
