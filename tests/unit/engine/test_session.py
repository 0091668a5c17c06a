from __future__ import annotations

import socket
import time
from pathlib import Path

import gevent
import paramiko
import pytest

from deploy.engine import hostkeys
from deploy.engine.link import LostError
from deploy.engine.session import Session
from deploy.errors import Exit, UnreachableError
from deploy.model import Cluster, paths
from tests.unit.engine.sample import KILL_SSHD
from tests.unit.engine.sshd import Sshd, cluster_of, new_key, start_sshd

INVENTORY = Path("lab.yaml")


def of(sshd: Sshd, *addresses: str, **ssh: object) -> Cluster:
    nodes = [{"name": f"n{number}", "address": address} for number, address in enumerate(addresses, 1)]
    return cluster_of(*nodes, ssh={"user": "root", "port": sshd.port, "key": str(sshd.key), **ssh})


def test_a_command_tells_its_output_its_errors_and_its_status(cluster: Cluster) -> None:
    with Session(cluster, INVENTORY) as session:
        ran = session.run("cp1", "cat; echo wrong >&2; exit 3", stdin="given")

    assert (ran.rc, ran.out, ran.err) == (3, "given", "wrong\n")


def test_large_input_and_output_pass_whole(cluster: Cluster) -> None:
    with Session(cluster, INVENTORY) as session:
        counted = session.run("cp1", "wc -c", stdin=b"x" * 5_000_000)
        received = session.run("cp1", "head -c 5000000 /dev/zero; head -c 3000000 /dev/zero >&2")

    assert counted.out == "5000000\n"
    assert (len(received.out), len(received.err)) == (5_000_000, 3_000_000)


def test_commands_on_several_hosts_run_at_once(cluster: Cluster) -> None:
    with Session(cluster, INVENTORY) as session:
        started = time.monotonic()
        answers = session.run_many({"cp1": "sleep 1; echo one", "w1": "sleep 1; echo two"})

    assert {host: ran.out for host, ran in answers.items()} == {"cp1": "one\n", "w1": "two\n"}
    assert time.monotonic() - started < 1.9


def test_more_commands_than_sshd_allows_at_once_wait_for_each_other(cluster: Cluster) -> None:
    with Session(cluster, INVENTORY) as session:
        running = [gevent.spawn(session.run, "cp1", "sleep 0.2; echo done") for _ in range(25)]
        gevent.joinall(running, raise_error=True)

    assert [each.get().out for each in running] == ["done\n"] * 25


def test_a_command_that_takes_too_long_is_ended_here_and_there(cluster: Cluster, tmp_path: Path) -> None:
    mark = tmp_path / "survived"
    with Session(cluster, INVENTORY) as session:
        ran = session.run("cp1", f"sleep 1; touch {mark}", timeout=0.3)
        time.sleep(1)

    assert ran.timed_out
    assert ran.seconds < 1
    assert not mark.exists()


def test_a_command_that_will_not_end_is_killed(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.engine.shell.KILLED_AFTER", 0.5)
    alive = tmp_path / "alive"
    with Session(cluster, INVENTORY) as session:
        ran = session.run("cp1", f"trap '' TERM; while :; do echo >> {alive}; sleep 0.1; done", timeout=0.3)
    last = alive.stat().st_size
    time.sleep(0.5)

    assert ran.rc == 137
    assert ran.timed_out
    assert alive.stat().st_size == last


def test_a_connection_waits_neither_for_nagle_nor_for_the_dead(cluster: Cluster) -> None:
    with Session(cluster, INVENTORY) as session:
        sock = session.links["cp1"].transport.sock

        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8000


def test_an_unknown_host_key_is_refused_and_trust_is_named(sshd: Sshd) -> None:
    with Session(of(sshd, "127.0.0.1"), INVENTORY) as session:
        assert session.hosts == ()
        assert session.exit_code is Exit.UNREACHABLE
        assert session.unreachable == {
            "n1": f"n1 (127.0.0.1 port {sshd.port}): its host key is not known yet: "
            f"{hostkeys.fingerprint(sshd.host_key)}; compare that with what the host's console shows, "
            "then run: slipway trust lab.yaml"
        }


def test_a_changed_host_key_is_refused_with_both_fingerprints(sshd: Sshd, tmp_path: Path) -> None:
    other = paramiko.Ed25519Key.from_private_key_file(str(new_key(tmp_path / "other")))
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry(): other})

    with Session(of(sshd, "127.0.0.1"), INVENTORY) as session:
        assert session.unreachable == {
            "n1": f"n1 (127.0.0.1 port {sshd.port}): its host key has changed: known is "
            f"{hostkeys.fingerprint(other)}, offered is {hostkeys.fingerprint(sshd.host_key)}; somebody may "
            "be in between. If the host was reinstalled, run: slipway trust lab.yaml --replace n1"
        }


def test_a_key_of_another_kind_than_known_is_a_changed_key(sshd: Sshd, tmp_path: Path) -> None:
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry(): paramiko.ECDSAKey.generate()})

    with Session(of(sshd, "127.0.0.1"), INVENTORY) as session:
        assert "its host key has changed: known is ecdsa-sha2-nistp256 SHA256:" in session.unreachable["n1"]


def test_a_refused_login_names_the_user_and_the_key(sshd: Sshd, tmp_path: Path) -> None:
    key = new_key(tmp_path / "stranger")
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry(): sshd.host_key})

    with Session(of(sshd, "127.0.0.1", key=str(key)), INVENTORY) as session:
        assert session.unreachable == {
            "n1": f"n1 (127.0.0.1 port {sshd.port}): user 'root' with key {key} was not let in; check "
            "ssh.user and ssh.key in lab.yaml, and ~root/.ssh/authorized_keys on the host"
        }


def test_a_closed_port_is_a_refused_connection_and_the_other_host_goes_on(sshd: Sshd) -> None:
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry(): sshd.host_key})

    with Session(of(sshd, "127.0.0.1", "127.0.0.9"), INVENTORY) as session:
        assert session.hosts == ("n1",)
        assert session.run("n1", "echo on").out == "on\n"
        assert session.unreachable == {
            "n2": f"n2 (127.0.0.9 port {sshd.port}): connection refused; does sshd listen on port "
            f"{sshd.port}?"
        }
        with pytest.raises(UnreachableError, match="connection refused"):
            session.run("n2", "true")


def test_only_the_chosen_hosts_count_for_the_exit_code(sshd: Sshd) -> None:
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry(): sshd.host_key})

    with Session(of(sshd, "127.0.0.1", "127.0.0.9"), INVENTORY, frozenset({"n1"})) as session:
        assert session.exit_code is Exit.OK


def test_a_port_that_says_nothing_is_given_up_in_seconds(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.engine.connect.CONNECT", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        port = silent.getsockname()[1]
        started = time.monotonic()
        with Session(of(sshd, "127.0.0.1", port=port), INVENTORY) as session:
            assert time.monotonic() - started < 5
            assert session.unreachable == {
                "n1": f"n1 (127.0.0.1 port {port}): no SSH connection came about (Error reading SSH protocol "
                "banner); is it an SSH server, is it up?"
            }


def test_hosts_behind_a_jump_host_share_one_connection_to_it(sshd: Sshd, tmp_path: Path) -> None:
    jump = start_sshd(tmp_path)
    try:
        keys = {sshd.entry(address): sshd.host_key for address in ("127.0.0.1", "127.0.0.2")}
        hostkeys.remember(paths.known_hosts("test"), {**keys, jump.entry(): jump.host_key})
        (jump.directory / "user_key.pub").write_text((sshd.directory / "user_key.pub").read_text())
        there = of(sshd, "127.0.0.1", "127.0.0.2", jump=f"root@127.0.0.1:{jump.port}")
        with Session(there, INVENTORY) as session:
            assert session.unreachable == {}
            assert session.run("n1", "echo $SSH_CONNECTION").out.split()[3] == str(sshd.port)
            channels = [link.transport.sock for link in session.links.values()]
            assert len({channel.get_transport() for channel in channels}) == 1
    finally:
        jump.process.terminate()
        jump.process.wait()


def test_the_key_of_a_jump_host_is_checked_too(sshd: Sshd) -> None:
    hostkeys.remember(paths.known_hosts("test"), {sshd.entry("127.0.0.2"): sshd.host_key})

    with Session(of(sshd, "127.0.0.2", jump=f"127.0.0.1:{sshd.port}"), INVENTORY) as session:
        assert session.unreachable == {
            "n1": f"n1 (127.0.0.2 port {sshd.port} through 127.0.0.1): its jump host cannot be used: "
            f"127.0.0.1 (127.0.0.1 port {sshd.port}): its host key is not known yet: "
            f"{hostkeys.fingerprint(sshd.host_key)}; compare that with what the host's console shows, "
            "then run: slipway trust lab.yaml"
        }


def test_a_host_whose_connection_dies_is_lost_and_named(tmp_path: Path) -> None:
    dying = start_sshd(tmp_path)
    hostkeys.remember(paths.known_hosts("test"), {dying.entry(): dying.host_key})
    with Session(of(dying, "127.0.0.1"), INVENTORY) as session:
        running = gevent.spawn(session.run, "n1", KILL_SSHD)
        with pytest.raises(LostError, match=r"^n1: the connection was lost"):
            running.get(timeout=15)

        assert session.hosts == ()
        assert session.exit_code is Exit.UNREACHABLE
    dying.process.terminate()
    dying.process.wait()
