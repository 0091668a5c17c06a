"""Labs of the tests' own: other names and networks than a person's, gone when the tests are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deploy.lab import Lab

KEEP = "SLIPWAY_KEEP_LAB"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the lab."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.lab)


def running(name: str, third: int, count: int, **more: object) -> Iterator[Lab]:
    """Bring up a lab on 10.89.THIRD.0/24, and take it away again unless it is to be kept.

    What an earlier run left of it, as a machine that was cut off does, goes first.
    """
    lab = Lab(name, IPv4Network(f"10.89.{third}.0/24"), count, **more)  # type: ignore[arg-type]
    if KEEP not in os.environ and shutil.which("podman"):
        lab.down()
    try:
        lab.up()
        yield lab
    finally:
        if KEEP not in os.environ:
            lab.down()
