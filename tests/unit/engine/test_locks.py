from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import gevent
import pytest

from deploy.engine import locks
from deploy.engine.locks import Holder, LockedError, LockLostError
from deploy.engine.session import Session
from deploy.errors import Exit, RunError, UnreachableError
from deploy.model import Cluster
from tests.unit.full_disk import no_room_beyond

ALICE = Holder("apply", "alice", "laptop", 4242, "2026-11-30T01:00:00Z")
BOB = Holder("apply", "bob", "desk", 17, "2026-11-30T02:00:00Z")


@pytest.fixture
def session(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(locks, "ON_HOST", str(tmp_path / "run" / "lock"))
    monkeypatch.setattr(locks, "DIRECTORY", str(tmp_path / "run"))
    with Session(cluster, Path("lab.yaml")) as opened:
        yield opened


def test_a_second_run_is_refused_and_told_who_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "state" / "lock"
    with (
        locks.on_controller("lab", path, ALICE),
        pytest.raises(LockedError) as error,
        locks.on_controller("lab", path, BOB),
    ):
        pass

    assert error.value.exit_code is Exit.FAILED
    assert str(error.value) == (
        "cluster lab is being worked on by `slipway apply` of alice on laptop (process 4242), since "
        f"2026-11-30T01:00:00Z; the lock is {path}. Wait for it to end, or end it; its lock goes with it."
    )


def test_a_lock_is_free_again_when_its_run_ended(tmp_path: Path) -> None:
    with locks.on_controller("lab", tmp_path / "lock", ALICE) as died:
        assert died is None
    with locks.on_controller("lab", tmp_path / "lock", BOB) as died:
        assert died is None
        assert locks.read((tmp_path / "lock").read_text()) == BOB
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_that_has_no_room_for_a_name_is_held_all_the_same(tmp_path: Path) -> None:
    with (
        no_room_beyond(0),
        locks.on_controller("lab", tmp_path / "lock", ALICE),
        pytest.raises(LockedError) as error,
        locks.on_controller("lab", tmp_path / "lock", BOB),
    ):
        pass

    assert str(error.value) == (
        "cluster lab is being worked on by somebody who left no name; the lock is "
        f"{tmp_path}/lock. Wait for it to end, or end it; its lock goes with it."
    )
    with locks.on_controller("lab", tmp_path / "lock", BOB) as died:
        assert died is None


def test_the_lock_of_a_killed_run_is_taken_over_and_its_holder_named(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "from pathlib import Path; import os, signal; from deploy.engine import locks\n"
        f"with locks.on_controller('lab', Path({str(path)!r}), "
        f"locks.Holder(*{tuple(asdict(ALICE).values())})):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)

    with locks.on_controller("lab", path, BOB) as died:
        assert died == ALICE


@pytest.mark.parametrize("content", ["", "garbage", "[]", '{"verb": "apply"}'])
def test_a_damaged_lock_names_nobody(content: str) -> None:
    assert locks.read(content) is None


def test_a_hosts_lock_is_refused_and_names_its_holder(session: Session) -> None:
    with (
        locks.on_host(session, "cp1", ALICE),
        pytest.raises(LockedError) as error,
        locks.on_host(session, "w1", BOB),
    ):
        pass

    assert str(error.value) == (
        "cluster test is being worked on by `slipway apply` of alice on laptop (process 4242), since "
        f"2026-11-30T01:00:00Z; the lock is {locks.ON_HOST} on w1. "
        "Wait for it to end, or end it; its lock goes with it."
    )


def test_a_hosts_lock_is_free_again_when_the_run_ended(session: Session) -> None:
    for holder in (ALICE, BOB):
        with locks.on_host(session, "cp1", holder):
            assert json.loads(Path(locks.ON_HOST).read_text()) == asdict(holder)
        _until(lambda: Path(locks.ON_HOST).read_text() == "")


def test_who_only_looks_is_told_who_is_at_work_and_changes_nothing(session: Session) -> None:
    with locks.on_host(session, "cp1", ALICE):
        before = Path(locks.ON_HOST).stat().st_mtime_ns
        with pytest.raises(LockedError) as error:
            locks.refuse_busy(session)
        assert Path(locks.ON_HOST).stat().st_mtime_ns == before
        assert locks.read(Path(locks.ON_HOST).read_text()) == ALICE

    assert str(error.value) == (
        "cluster test is being worked on by `slipway apply` of alice on laptop (process 4242), since "
        f"2026-11-30T01:00:00Z; the lock is {locks.ON_HOST} on cp1. "
        "Wait for it to end, or end it; its lock goes with it."
    )


def test_who_only_looks_goes_on_where_nobody_is_at_work(session: Session) -> None:
    locks.refuse_busy(session)
    assert not Path(locks.ON_HOST).exists()

    with locks.on_host(session, "cp1", ALICE):
        pass
    _until(lambda: Path(locks.ON_HOST).read_text() == "")
    locks.refuse_busy(session)


def test_a_name_that_a_killed_run_left_in_a_lock_that_is_free_keeps_nobody_away(session: Session) -> None:
    path = Path(locks.ON_HOST)
    path.parent.mkdir()
    path.write_text(json.dumps(asdict(ALICE)))

    locks.refuse_busy(session)


def test_a_hosts_lock_goes_with_the_connection(session: Session, cluster: Cluster) -> None:
    with Session(cluster, Path("lab.yaml")) as other, ExitStack() as killed:
        killed.enter_context(locks.on_host(other, "cp1", ALICE))
        other.links["cp1"].close()
        _until(lambda: Path(locks.ON_HOST).read_text() == "")

        with locks.on_host(session, "cp1", BOB):
            assert locks.read(Path(locks.ON_HOST).read_text()) == BOB


def test_a_hosts_lock_is_let_go_when_the_controller_falls_silent(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "FORGOTTEN", 1)
    with locks.on_host(session, "cp1", ALICE):
        gevent.sleep(0.2)
        assert locks.read(Path(locks.ON_HOST).read_text()) == ALICE
        _until(lambda: Path(locks.ON_HOST).read_text() == "")


def test_signs_of_life_keep_a_hosts_lock(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "FORGOTTEN", 1)
    monkeypatch.setattr(locks, "BEAT", 0.2)
    with locks.on_host(session, "cp1", ALICE):
        gevent.sleep(2)
        assert locks.read(Path(locks.ON_HOST).read_text()) == ALICE


def test_a_host_without_a_place_for_the_lock_says_so(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(locks, "DIRECTORY", str(tmp_path / "file" / "run"))

    with (
        pytest.raises(RunError, match=r"^cp1: the run lock \S+ could not be taken: mkdir: "),
        locks.on_host(session, "cp1", ALICE),
    ):
        pass


def test_a_run_whose_lock_is_gone_ends(
    session: Session, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.1)

    def cut_off() -> None:
        with Session(cluster, Path("lab.yaml")) as other, locks.on_host(other, "cp1", ALICE):
            other.links["cp1"].close()
            gevent.sleep(5)

    with pytest.raises(LockLostError) as error:
        cut_off()

    assert error.value.exit_code is Exit.UNREACHABLE
    assert str(error.value) == (
        f"cp1: the run lock {locks.ON_HOST} was let go with the connection, so that another run may have "
        "begun; this one ends. What is done stays done; running the same command again goes on."
    )


def test_a_host_that_is_too_busy_to_say_whether_its_lock_is_free_is_unreachable(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "ANSWERED", 2.0)
    monkeypatch.setattr(locks, "SCRIPT", "sleep 30")

    with pytest.raises(UnreachableError) as error, locks.on_host(session, "cp1", ALICE):
        pass

    assert str(error.value) == (
        f"cp1: the run lock {locks.ON_HOST} could not be asked for: no answer in 2 s; is the host up, or "
        "very busy?"
    )


def _until(condition: object) -> None:
    assert callable(condition)
    for _ in range(100):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true within 5 s")


def test_i_am_known_by_my_process() -> None:
    assert locks.me("apply").pid == os.getpid()
