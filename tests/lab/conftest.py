"""Labs of the tests' own: other names and networks than a person's, gone when the tests are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deploy.lab import Lab
from tests.lab.site import Site, site

KEEP = "SLIPWAY_KEEP_LAB"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the lab."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.lab)


def running(name: str, third: int, count: int, **more: object) -> Iterator[Lab]:
    """Bring up a lab on 10.89.THIRD.0/24, and take it away again unless it is to be kept."""
    lab = Lab(name, IPv4Network(f"10.89.{third}.0/24"), count, **more)  # type: ignore[arg-type]
    try:
        lab.up()
        yield lab
    finally:
        if KEEP not in os.environ:
            lab.down()


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The hosts of the cluster that most tests share."""
    yield from running("test-core", 21, 3)


@pytest.fixture(scope="session")
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
