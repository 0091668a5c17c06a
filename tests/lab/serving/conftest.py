"""The cluster that these tests share, from bare hosts to a model that answers; it goes with the last of them.

The model's weights are random, and it is computed on the processor.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP, running
from tests.lab.serving.models import PATIENCE, with_models
from tests.lab.site import Site

DAILY = ("test_10_served.py", "test_15_refused.py", "test_20_drifted.py", "test_50_secrets.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of these takes minutes; DAILY is what every change shows."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.path.name not in DAILY:
            item.add_marker(pytest.mark.trial)


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    """Two hosts."""
    yield from running("test-llm", 33, 2)


@pytest.fixture(scope="package")
def llm(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A control plane, and a worker with a store, a registry and a model."""
    nodes = [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")]
    made = with_models(lab, "test-llm", tmp_path_factory.mktemp("llm"), nodes, like="lab-llm")
    made.ok("apply", "--yes", timeout=PATIENCE)
    yield made
    if KEEP not in os.environ:
        made.forget()
