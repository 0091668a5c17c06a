"""The cluster of k3s that these tests share, from bare hosts; it goes when the last of them has ended.

What runs under k3s' name here is the k3s stand-in where k3s itself cannot be fetched; reports say so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP, running
from tests.lab.k3s.runs import VERSION
from tests.lab.site import Site, site


@pytest.fixture(scope="package")
def hosts() -> Iterator[Lab]:
    """Five hosts."""
    yield from running("test-k3s", 23, 5, versions=(VERSION,))


@pytest.fixture(scope="package")
def k3s(hosts: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server and two agents, installed and verified; n4 and n5 are bare hosts beside them."""
    nodes = [("n1", "s1", "control-plane"), ("n2", "a1", "worker"), ("n3", "a2", "worker")]
    made = site(hosts, "test-k3s", tmp_path_factory.mktemp("k3s"), nodes, like="lab-k3s")
    made.data["nodes"][1]["labels"] = {"tier": "web"}
    made.write()
    made.ok("apply", "--yes")
    yield made
    if KEEP not in os.environ:
        made.forget()
