from __future__ import annotations

from pathlib import Path

import paramiko
import pytest

from deploy.cli import main
from deploy.cli.trust import trusted
from deploy.engine import hostkeys
from deploy.model import Cluster, paths
from tests.unit.engine.sshd import ME, Sshd, cluster_of, new_key

INVENTORY = Path("lab.yaml")


def trust(cluster: Cluster, *replaced: str, yes: bool = False) -> int:
    return main.exit_code(lambda: trusted(cluster, INVENTORY, replaced, yes=yes))


def cluster_at(sshd: Sshd, first: str, **ssh: object) -> Cluster:
    return cluster_of(
        {"name": "cp1", "address": first},
        {"name": "w1", "address": "127.0.0.2"},
        ssh={"user": ME, "port": sshd.port, "key": str(sshd.key), **ssh},
    )


@pytest.fixture
def cluster(sshd: Sshd) -> Cluster:
    return cluster_at(sshd, "127.0.0.1")


def line(sshd: Sshd, name: str, address: str, standing: str) -> str:
    return f"{name} ({address} port {sshd.port}): {hostkeys.fingerprint(sshd.host_key)}  {standing}\n"


def test_without_a_terminal_nothing_is_remembered_unless_told_so(
    sshd: Sshd, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trust(cluster) == 2

    assert capsys.readouterr().err == (
        "a key is remembered only when somebody agrees, and there is no terminal to answer on: add --yes\n"
    )
    assert not paths.known_hosts("test").exists()


def test_new_keys_are_shown_and_remembered_and_then_known(
    sshd: Sshd, cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    path = paths.known_hosts("test")

    assert trust(cluster, yes=True) == 0
    assert capsys.readouterr().out == (
        line(sshd, "cp1", "127.0.0.1", "new")
        + line(sshd, "w1", "127.0.0.2", "new")
        + f"Remembered in {path}.\n"
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert hostkeys.known(path).check(sshd.entry("127.0.0.2"), sshd.host_key)

    assert trust(cluster) == 0
    assert capsys.readouterr().out == (
        line(sshd, "cp1", "127.0.0.1", "known") + line(sshd, "w1", "127.0.0.2", "known")
    )


def test_a_changed_key_is_refused_also_with_yes_and_replaced_by_name_only(
    sshd: Sshd, cluster: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, other = (
        paths.known_hosts("test"),
        paramiko.Ed25519Key.from_private_key_file(str(new_key(tmp_path / "k"))),
    )
    hostkeys.remember(path, {sshd.entry(): other, sshd.entry("127.0.0.2"): sshd.host_key, "10.0.0.1": other})

    assert trust(cluster, yes=True) == 6
    assert capsys.readouterr().out == (
        f"cp1 (127.0.0.1 port {sshd.port}): {hostkeys.fingerprint(sshd.host_key)}  changed, known was "
        f"{hostkeys.fingerprint(other)}; refused. If the host was reinstalled, add --replace cp1\n"
        + line(sshd, "w1", "127.0.0.2", "known")
    )
    assert hostkeys.known(path).check(sshd.entry(), other)

    assert trust(cluster, "cp1", yes=True) == 0
    assert hostkeys.known(path).check(sshd.entry(), sshd.host_key)
    assert not hostkeys.known(path).check(sshd.entry(), other)
    assert hostkeys.known(path).check("10.0.0.1", other)


def test_a_host_to_replace_must_be_one_of_the_cluster(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trust(cluster, "cp2") == 2
    assert capsys.readouterr().err == "there is no host 'cp2'; did you mean cp1? (hosts: cp1, w1)\n"


def test_a_host_that_does_not_answer_is_named_and_the_others_are_remembered(
    sshd: Sshd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trust(cluster_at(sshd, "127.0.0.9"), yes=True) == 6
    assert capsys.readouterr().err == (
        f"cp1 (127.0.0.9 port {sshd.port}): connection refused; does sshd listen on port {sshd.port}?\n"
    )
    assert hostkeys.known(paths.known_hosts("test")).check(sshd.entry("127.0.0.2"), sshd.host_key)


def test_a_jump_host_is_trusted_before_what_lies_behind_it(
    sshd: Sshd, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trust(cluster_at(sshd, "127.0.0.1", jump="cp1"), yes=True) == 0
    assert [each.split(" (")[0] for each in capsys.readouterr().out.splitlines()] == [
        "cp1",
        f"Remembered in {paths.known_hosts('test')}.",
        "w1",
        f"Remembered in {paths.known_hosts('test')}.",
    ]
