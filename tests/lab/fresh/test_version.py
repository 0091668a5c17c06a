"""The other Kubernetes version of the catalogue, on the newer Debian: the same code, other data."""

from __future__ import annotations

import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from tests.lab.conftest import KEEP, running
from tests.lab.site import KUBECTL, SLIPWAY, Site, site

OTHER = "v1.35.4"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host of Debian 13 that is control plane and worker."""
    for lab in running("test-version", 24, 1, suite="trixie", versions=(OTHER,)):
        made = site(
            lab,
            "test-version",
            tmp_path_factory.mktemp("version"),
            [("n1", "cp1", "control-plane")],
            version=OTHER,
        )
        made.ok("apply", "--yes")
        yield made
        if KEEP not in os.environ:
            made.forget()


def test_a_single_host_of_the_other_version_is_verified_and_runs_pods(other: Site) -> None:
    [node] = json.loads(other.on("n1", f"{KUBECTL} get nodes -o json"))["items"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == OTHER
    assert node["status"]["nodeInfo"]["osImage"] == "Debian GNU/Linux 13 (trixie)"
    assert "taints" not in node["spec"]
    assert "node.kubernetes.io/exclude-from-external-load-balancers" not in node["metadata"]["labels"]


def test_a_second_apply_changes_nothing(other: Site) -> None:
    assert "0 changes." in other.ok("apply", "--yes")
    assert other.plan(code=0) == []


def test_the_demo_names_an_address_that_answers(other: Site) -> None:
    done = subprocess.run(
        [SLIPWAY, "lab", "demo", "--name", other.lab.name], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    first = re.match(
        rf"Kubernetes {re.escape(OTHER)} runs on 1 hosts, and (http://(\S+)/hostname) answers:\n", done.stdout
    )
    assert first, done.stdout
    # which one depends on whether the address of the verify before has come back yet
    assert IPv4Address(first[2]) in other.lab.subnet
    with urllib.request.urlopen(first[1], timeout=5) as answer:
        assert answer.read().decode().startswith("hello-")
