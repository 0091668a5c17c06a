"""Whole steps on a @fake host: which operations they are made of, and which would change a bare host."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import Host, State

from deploy.model import Cluster
from deploy.steps import artifacts, baseline, containerd, identity, images
from tests.unit.fake_host import changes, locked, prepared

NODES = [
    {"name": f"cp{number}", "address": f"10.0.0.{number}", "roles": ["control-plane"]} for number in (1, 2, 3)
]
CLUSTER: dict[str, Any] = {"name": "homelab", "kubernetes": {"endpoint": "10.0.0.250"}, "nodes": NODES}
BARE = {
    "stat --printf='%F": "end-of-files",
    "stat --printf='file": "end-of-artifacts",
    "systemctl show --no-pager --timestamp": ["ActiveEnterTimestamp=@20", "end-of-unit"],
    "systemctl show": [
        *("LoadState=not-found", "ActiveState=inactive", "SubState=dead", "UnitFileState="),
        *("NeedDaemonReload=no", "end-of-unit"),
    ],
    "kubelet.conf": "end",
    "uname -n": ["live debian", "hosts "],
    "dpkg-query": "dpkg",
    "/proc/swaps": ["readable", "active /dev/sda2", "fstab "],
    "module $m works": ["kernel 6.1", "module overlay works", "module br_netfilter loadable"],
    "/proc/sys/": "end",
    "base64 -w0": "end-of-files",
    "uname -m": "x86_64",
    "set --": "end-of-files",
}


Bare = Callable[..., AbstractContextManager[tuple[State, Host]]]


@pytest.fixture
def bare(tmp_path: Path) -> Bare:
    """Return a function that prepares a step on a bare host."""

    def run(step: Callable[[], Any], **parts: Any) -> AbstractContextManager[tuple[State, Host]]:
        cluster = Cluster.model_validate({**CLUSTER, **parts})
        lock = locked(cluster, tmp_path / "homelab.lock.yaml")
        return prepared(step, cluster, cluster.nodes[0], lock, BARE)

    return run


@pytest.fixture
def operations(bare: Bare) -> Callable[..., dict[str, bool]]:
    """Return a function that gives a step's operations by name, and whether each would change a bare host."""

    def run(step: Callable[[], Any], **parts: Any) -> dict[str, bool]:
        with bare(step, **parts) as (state, host):
            return changes(state, host)

    return run


def test_identity_claims_a_bare_host(operations: Callable[..., dict[str, bool]]) -> None:
    assert operations(identity.identity) == {"Claim the host for the cluster": True}


def test_baseline_prepares_a_bare_host(operations: Callable[..., dict[str, bool]]) -> None:
    assert operations(baseline.baseline) == {
        "Name the host": True,
        "Let the host know the others": True,
        "Install what Kubernetes calls": True,
        "Hold what an upgrade would break": False,
        "Keep unattended upgrades away from it": True,
        "Turn swap off": True,
        "Load kernel modules": True,
        "Set kernel parameters": True,
        "Cap the journal": True,
        "Install chrony": True,
        "Keep the clock by chrony": True,
    }


def test_swap_that_the_kubelet_is_declared_to_bear_stays_on(
    operations: Callable[..., dict[str, bool]],
) -> None:
    borne = {"kubernetes": {**CLUSTER["kubernetes"], "kubelet": {"failSwapOn": False}}}
    refused = {"kubernetes": {**CLUSTER["kubernetes"], "kubelet": {"failSwapOn": True}}}

    assert "Turn swap off" not in operations(baseline.baseline, **borne)
    assert "Turn swap off" in operations(baseline.baseline, **refused)


@pytest.mark.parametrize(
    ("time", "last"), [("timesyncd", "Keep the clock by timesyncd"), ("none", "Cap the journal")]
)
def test_the_clock_is_kept_by_what_is_declared(
    operations: Callable[..., dict[str, bool]], time: str, last: str
) -> None:
    assert list(operations(baseline.baseline, host={"time": time}))[-1] == last


def test_artifacts_bring_every_binary(operations: Callable[..., dict[str, bool]]) -> None:
    assert operations(artifacts.artifacts) == {
        "Install containerd, runc and the CNI plugins": True,
        "Install Kubernetes v1.36.3": True,
        "Install Helm": True,
    }


def test_containerd_is_configured_and_run(operations: Callable[..., dict[str, bool]]) -> None:
    mirrored = {"registry_mirror": "http://10.0.0.9:5000"}

    assert operations(containerd.containerd, artifacts=mirrored) == {
        "Configure containerd": True,
        "Pull images through the mirror": True,
        "Forget mirrors that are gone": False,
        "Run containerd": True,
    }


def test_images_have_the_time_that_other_downloads_have(bare: Bare) -> None:
    with bare(images.images) as (state, host):
        [operation] = state.ops[host].values()

    assert operation.global_arguments["_timeout"] == artifacts.SECONDS
