"""A step on a @fake host: what of it there is to do, by what the host answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyinfra
import pytest
from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploy import catalog, context
from deploy.catalog import LockedFile, LockedImage
from deploy.model import Cluster, Node

DIGEST = f"sha256:{'b' * 64}"


def locked(cluster: Cluster, path: Path) -> Path:
    """Write a lock file with all that a cluster needs, under digests of no file."""
    needed = catalog.needed(cluster)
    files = [(e.key, e.arch, LockedFile(e.key, e.version, e.url, "a" * 64)) for e in needed.files]
    catalog.lock.save(path, files, [(e.key, LockedImage(e.ref, DIGEST)) for e in needed.images])
    return path


@contextmanager
def prepared(
    step: Callable[[], Any],
    cluster: Cluster,
    node: Node,
    lock: Path,
    answers: Mapping[str, Any],
    *,
    compare: bool = True,
) -> Iterator[tuple[State, Host]]:
    """Prepare a step on one host, and stay in its context; `compare` asks what would change."""
    data = context.host_data(cluster, node, str(lock))
    fake = {"fake_responses": answers, "fake_delay": 0, "fake_delay_jitter": 0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyinfra, "is_cli", True)
        inventory = Inventory(([f"@fake/{node.name}"], {**fake, **data}))
        state = State(inventory, Config(), check_for_changes=compare)
        connect_all(state)
        state.set_stage(StateStage.Prepare)
        [host] = state.inventory
        with ctx_state.use(state), ctx_host.use(host), ctx_config.use(state.config):
            step()
            yield state, host


def names(state: State, host: Host) -> dict[str, str]:
    """Return a host's operations in their order: id -> name, without the step's own."""
    return {id_: min(state.op_meta[id_].names).rpartition(" | ")[2] for id_ in host.op_hash_order}


def changes(state: State, host: Host) -> dict[str, bool]:
    """Return a host's operations by their names, and whether each would change it."""
    return {
        name: bool(state.ops[host][id_].operation_meta._maybe_is_change)
        for id_, name in names(state, host).items()
    }
