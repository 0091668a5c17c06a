"""A real SSH server, and a cluster of two nodes that are both this machine."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import deploy.cli  # noqa: F401 - gevent's patches
from deploy.engine import hostkeys, rebooting, rolling, speaker
from deploy.engine.session import Session
from deploy.model import Cluster, paths
from deploy.observe import reboot
from tests.unit.engine import sample
from tests.unit.engine.kubectl import KUBECTL, node
from tests.unit.engine.reboots import MINE, Hosts
from tests.unit.engine.sample import KILL_SSHD
from tests.unit.engine.sshd import ADDRESSES, ME, Sshd, cluster_of, start_sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = start_sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.process.send_signal(signal.SIGTERM)
    server.process.wait()


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def cluster(sshd: Sshd) -> Cluster:
    """A control plane and a worker that are both this machine."""
    ssh = {"user": ME, "port": sshd.port, "key": str(sshd.key)}
    made = cluster_of(
        {"name": "cp1", "address": "127.0.0.1"}, {"name": "w1", "address": "127.0.0.2"}, ssh=ssh
    )
    keys = {sshd.entry(address): sshd.host_key for address in ADDRESSES}
    hostkeys.remember(paths.known_hosts("test"), keys)
    return made


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A running cluster's API; the folder holds what it answers, and `calls`."""
    directory = tmp_path / "api"
    directory.mkdir()
    (directory / "kubectl").write_text(KUBECTL.format(directory=directory))
    (directory / "kubectl").chmod(0o755)
    (directory / "nodes.json").write_text(json.dumps({"items": [node("cp1"), node("w1")]}))
    (directory / "node.json").write_text(json.dumps(node("any")))
    (directory / "pods.json").write_text(json.dumps({"items": []}))
    monkeypatch.setattr(speaker, "KUBECTL", str(directory / "kubectl"))
    monkeypatch.setattr(speaker, "asking", lambda path: f"{directory / 'kubectl'} read {path}")
    monkeypatch.setattr(rolling, "WELL_WITHIN", 1.5)
    monkeypatch.setattr(rolling, "ASKED_EVERY", 0.1)
    return directory


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the steps of `sample`."""
    directory = tmp_path / "disk"
    directory.mkdir()
    monkeypatch.setattr(sample, "directory", directory)
    return directory


@pytest.fixture
def session(cluster: Cluster, disk: Path) -> Iterator[Session]:
    """Both hosts connected."""
    with Session(cluster, Path("lab.yaml")) as opened:
        yield opened


@pytest.fixture
def hosts(api: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Both hosts, as they say whether they wait for a reboot, and are rebooted."""
    mine = MINE.format(directory=api)
    order = f"echo reboot $me >> calls; echo second > $me.boot; cp $me.then $me.state; {KILL_SSHD}"
    monkeypatch.setattr(reboot, "COMMAND", f"{mine}; cat $me.state")
    monkeypatch.setattr(rebooting, "BOOT", f"{mine}; cat $me.boot")
    monkeypatch.setattr(rebooting, "ORDER", f"{mine}; {order}")
    monkeypatch.setattr(rebooting, "BACK_WITHIN", 5.0)
    monkeypatch.setattr(rebooting, "ASKED_EVERY", 0.1)
    return Hosts(api)
