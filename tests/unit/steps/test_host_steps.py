"""Whole steps on a @fake host: which operations they are made of, and which would change a bare host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyinfra
import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_config, ctx_host, ctx_state

from deploy import catalog, context
from deploy.catalog import LockedFile, LockedImage
from deploy.model import Cluster
from deploy.steps import artifacts, baseline, containerd, identity, images

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


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    catalogue, path = catalog.load(), tmp_path / "homelab.lock.yaml"
    version = catalogue.kubernetes.default
    entries = [
        *catalogue.kubernetes_files(version),
        *(each for name in catalogue.files for each in catalogue.file(name)),
    ]
    files = [(e.key, e.arch, LockedFile(e.key, e.version, e.url, "a" * 64)) for e in entries]
    refs = [*catalogue.kubernetes_images(version), *map(catalogue.image, ("flannel", "flannel-cni-plugin"))]
    images = [(e.key, LockedImage(e.ref, f"sha256:{'b' * 64}")) for e in refs]
    catalog.lock.save(path, files, images)
    return path


@pytest.fixture
def prepared(lock: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., State]:
    """Return a function that runs a step's preparation on a bare host."""

    def run(step: Callable[[], Any], **parts: Any) -> State:
        cluster = Cluster.model_validate({**CLUSTER, **parts})
        data = context.host_data(cluster, cluster.nodes[0], str(lock))
        fake = {"fake_responses": BARE, "fake_delay": 0, "fake_delay_jitter": 0}
        monkeypatch.setattr(pyinfra, "is_cli", True)
        state = State(Inventory((["@fake/cp1"], {**fake, **data})), Config())
        connect_all(state)
        state.set_stage(StateStage.Prepare)
        [host] = state.inventory
        with ctx_state.use(state), ctx_host.use(host), ctx_config.use(state.config):
            step()
        return state

    return run


@pytest.fixture
def operations(prepared: Callable[..., State]) -> Callable[..., dict[str, bool]]:
    """Return a function that gives a step's operations by name, and whether each would change a bare host."""

    def run(step: Callable[[], Any], **parts: Any) -> dict[str, bool]:
        state = prepared(step, **parts)
        [host] = state.inventory
        names = {id_: min(state.op_meta[id_].names).partition(" | ")[2] for id_ in host.op_hash_order}
        changes = {id_: state.ops[host][id_].operation_meta._maybe_is_change for id_ in names}
        return {name: bool(changes[id_]) for id_, name in names.items()}

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


def test_images_have_the_time_that_other_downloads_have(prepared: Callable[..., State]) -> None:
    state = prepared(images.images)

    [host] = state.inventory
    [operation] = state.ops[host].values()
    assert operation.global_arguments["_timeout"] == artifacts.SECONDS
