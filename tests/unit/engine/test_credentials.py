from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deploy.engine import credentials, hostkeys
from deploy.engine.session import Session
from deploy.errors import InventoryError, UnreachableError
from deploy.model import paths
from tests.unit.engine.sshd import Sshd, cluster_of

ADMIN = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [
        {
            "name": "kubernetes",
            "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "Q0E="},
        }
    ],
    "users": [{"name": "kubernetes-admin", "user": {"client-key-data": "S0VZ"}}],
    "contexts": [{"name": "x", "context": {"cluster": "kubernetes", "user": "kubernetes-admin"}}],
    "current-context": "x",
}
NEW = credentials.renamed(ADMIN, "lab", "10.0.0.9")


def test_it_is_named_after_the_cluster_and_asks_its_endpoint() -> None:
    assert NEW == {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "lab",
                "cluster": {"server": "https://10.0.0.9:6443", "certificate-authority-data": "Q0E="},
            }
        ],
        "users": [{"name": "lab-admin", "user": {"client-key-data": "S0VZ"}}],
        "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "lab-admin"}}],
        "current-context": "lab",
    }


def test_merging_keeps_the_others_and_what_is_current() -> None:
    other = credentials.renamed(ADMIN, "home", "10.0.0.1")

    both = credentials.merged({**other, "extensions": ["kept"]}, NEW, "lab")

    assert [entry["name"] for entry in both["clusters"]] == ["home", "lab"]
    assert [entry["name"] for entry in both["contexts"]] == ["home", "lab"]
    assert [entry["name"] for entry in both["users"]] == ["home-admin", "lab-admin"]
    assert both["current-context"] == "home"
    assert both["extensions"] == ["kept"]


def test_merging_again_replaces_the_older_entries() -> None:
    once = credentials.merged({}, credentials.renamed(ADMIN, "lab", "10.0.0.1"), "lab")

    assert credentials.merged(once, NEW, "lab") == NEW


def test_it_is_written_for_its_owner_only_also_over_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "config"
    credentials.write(path, NEW)
    path.chmod(0o644)
    credentials.write(path, NEW)

    assert path.stat().st_mode & 0o777 == 0o600
    assert yaml.safe_load(path.read_text()) == NEW
    assert [each.name for each in path.parent.iterdir()] == ["config"]


def test_a_kubeconfig_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    link, file = tmp_path / "config", tmp_path / "dotfiles" / "config"
    link.symlink_to(file)

    credentials.write(link, NEW)

    assert link.readlink() == file
    assert yaml.safe_load(file.read_text()) == NEW


def test_a_cluster_no_control_plane_of_which_answers_is_unreachable(sshd: Sshd) -> None:
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry(): sshd.host_key})
    nodes = {"name": "cp1", "address": "127.0.0.9"}, {"name": "w1", "address": "127.0.0.1"}
    cluster = cluster_of(*nodes, ssh={"user": "root", "port": sshd.port, "key": str(sshd.key)})

    with Session(cluster, Path("lab.yaml")) as session, pytest.raises(UnreachableError) as error:
        credentials.fetch(session)

    assert str(error.value) == (
        "no control plane of test can be used:\n"
        f"cp1 (127.0.0.9 port {sshd.port}): connection refused; does sshd listen on port {sshd.port}?"
    )


def test_a_damaged_kubeconfig_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("a: [")

    with pytest.raises(InventoryError, match="is not valid YAML, so nothing was merged into it"):
        credentials.load(path)
    path.write_text("- 1")
    with pytest.raises(InventoryError) as error:
        credentials.load(path)
    assert str(error.value) == f"{path} is not a kubeconfig: it holds a list"


def test_no_kubeconfig_is_an_empty_one(tmp_path: Path) -> None:
    assert credentials.load(tmp_path / "none") == {}
