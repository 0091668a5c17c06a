"""The cluster that these tests share, from bare hosts; it goes when the last of them has ended."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP, running
from tests.lab.site import Site, site


@pytest.fixture(scope="package")
def lab() -> Iterator[Lab]:
    """Three hosts."""
    yield from running("test-core", 21, 3)


@pytest.fixture(scope="package")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A control plane and a worker, installed and verified; n3 is a bare host beside them."""
    made = site(
        lab,
        "test-core",
        tmp_path_factory.mktemp("core"),
        [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")],
    )
    made.ok("apply", "--yes")
    yield made
    if KEEP not in os.environ:
        made.forget()
