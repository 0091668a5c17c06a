"""The other Kubernetes version of the catalogue: the same code, other data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from tests.lab.conftest import KEEP, running
from tests.lab.site import Site, site

OTHER = "v1.35.4"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One host that is control plane and worker."""
    for lab in running("test-version", 24, 1, versions=(OTHER,)):
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
    kubectl = "kubectl --kubeconfig /etc/kubernetes/admin.conf"
    [node] = json.loads(other.on("n1", f"{kubectl} get nodes -o json"))["items"]
    assert node["status"]["nodeInfo"]["kubeletVersion"] == OTHER
    assert "taints" not in node["spec"]
    assert "node.kubernetes.io/exclude-from-external-load-balancers" not in node["metadata"]["labels"]


def test_a_second_apply_changes_nothing(other: Site) -> None:
    assert "0 changes." in other.ok("apply", "--yes")
    assert other.plan(code=0) == []
