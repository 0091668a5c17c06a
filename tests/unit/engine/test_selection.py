from __future__ import annotations

import pytest

from deploy.engine.selection import select
from deploy.errors import InventoryError
from tests.unit.engine.sshd import cluster_of

CLUSTER = cluster_of({"name": "cp1", "address": "10.0.0.1"}, {"name": "w1", "address": "10.0.0.2"})


def names(**chosen: object) -> list[str]:
    return [phase.name for phase in select(CLUSTER, **chosen).phases]  # type: ignore[arg-type]


def test_everything_is_chosen_unless_less_is_asked_for() -> None:
    assert names()[:3] == ["identity", "baseline", "artifacts"]
    assert select(CLUSTER).nodes == {"cp1", "w1"}


def test_only_keeps_the_order_of_the_phases() -> None:
    assert names(only=["containerd", "baseline"]) == ["baseline", "containerd"]


def test_from_leaves_out_what_comes_before() -> None:
    assert names(first="workers")[0] == "workers"
    assert "baseline" not in names(first="workers")


def test_limit_chooses_nodes() -> None:
    assert select(CLUSTER, limit=["w1"]).nodes == {"w1"}


def test_every_name_that_is_none_is_said_at_once_with_the_nearest() -> None:
    with pytest.raises(InventoryError) as error:
        select(CLUSTER, only=["basline"], first="xyz", limit=["w2"])

    listed = ", ".join(names())
    assert str(error.value) == (
        f"there is no phase 'basline'; did you mean baseline? (phases: {listed})\n"
        f"there is no phase 'xyz' (phases: {listed})\n"
        "there is no node 'w2' (nodes: cp1, w1)"
    )
