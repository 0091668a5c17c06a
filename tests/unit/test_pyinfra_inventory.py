"""The same hosts, reached the same way, for plain pyinfra."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from deploy.model import Cluster
from deploy.pyinfra_inventory import groups

INVENTORY = """
name: home
ssh: {user: ops, port: 2222, key: ~/key, jump: cp1}
nodes:
  - {name: cp1, address: 10.0.0.11, roles: [control-plane]}
  - {name: w1, address: 10.0.0.12, roles: [worker], ssh: {port: 22, user: root}}
"""


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "key").touch()
    path = tmp_path / "home.yaml"
    path.write_text(INVENTORY)
    return path


def test_a_host_carries_how_it_is_reached_and_what_it_is(inventory: Path) -> None:
    [(name, data)], [(worker, worker_data)] = groups(inventory)
    at, state = inventory.parent, inventory.parent / "state/slipway/home"
    cluster = Cluster.model_validate_json(data.pop("slipway_cluster"))

    assert (name, data) == (
        "cp1",
        {
            "ssh_hostname": "10.0.0.11",
            "ssh_port": 2222,
            "ssh_user": "ops",
            "ssh_key": f"{at}/key",
            "ssh_config_file": f"{state}/home.ssh_config",
            "ssh_known_hosts_file": f"{state}/known_hosts",
            "ssh_strict_host_key_checking": "yes",
            "_sudo": True,
            "slipway_node": "cp1",
            "slipway_lock": f"{at}/home.lock.yaml",
        },
    )
    assert cluster.node(worker).name == "w1"
    assert (worker_data["ssh_user"], worker_data["ssh_port"], worker_data["_sudo"]) == ("root", 22, False)
    json.dumps(worker_data)


def test_a_jump_host_is_known_by_its_key_and_asked_as_its_own_user(inventory: Path) -> None:
    groups(inventory)
    state = inventory.parent / "state/slipway/home"
    config = state / "home.ssh_config"

    assert config.read_text() == dedent(
        f"""\
        # written by slipway from the inventory; changes are lost

        Host 10.0.0.11
          User ops
          Port 2222
          IdentityFile {inventory.parent}/key

        Host 10.0.0.12
          User root
          Port 22
          IdentityFile {inventory.parent}/key
          ProxyJump ops@10.0.0.11:2222

        Host *
          StrictHostKeyChecking yes
          UserKnownHostsFile {state}/known_hosts
        """
    )
    assert config.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in state.iterdir()] == ["home.ssh_config"]


def test_a_bad_inventory_ends_pyinfra_with_its_mistakes_and_no_traceback(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory.write_text("name: home\nnodes: 1\n")

    with pytest.raises(SystemExit) as ended:
        groups(inventory)

    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        f"{inventory} is not a valid cluster:\n  nodes (line 2): found 1 (a number), wanted a list\n"
    )
