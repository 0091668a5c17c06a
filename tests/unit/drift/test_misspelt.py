"""An operation that is accepted, and that nothing is called."""

from __future__ import annotations

import pytest

from checks.preflight.ignoring import misspelt
from deploy.model import DriftIgnore
from deploy.model.row import Row, State

ROWS = (
    Row("baseline", "w1", "Set kernel parameters", State.NONE),
    Row("containerd", "w1", "Configure containerd", State.NONE),
    Row("containerd", "w1", "Run containerd", State.ERROR),
)
NAMED = "baseline | Set kernel parameters"
NONE = 'drift_ignore: baseline has no operation "{}" in this plan'
NEAREST = "the nearest is Set kernel parameters"


def accept(**keys: str) -> DriftIgnore:
    return DriftIgnore.model_validate({"reason": "tuned by hand", "expires": "2026-12-31", **keys})


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (NAMED, []),
        ("baseline", []),
        ("baseline | Set kernel paramters", [f"{NONE.format('Set kernel paramters')}; {NEAREST}"]),
        ("baseline | Frob", [NONE.format("Frob")]),
        # these were not planned to their end
        ("containerd | Frob", []),
        ("network | Frob", []),
    ],
)
def test_an_operation_that_nothing_is_called_is_told_with_the_nearest(plan: str, told: list[str]) -> None:
    assert misspelt([accept(check="HOST-24"), accept(plan=plan)], ROWS) == told
