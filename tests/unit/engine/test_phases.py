from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.engine import planning
from deploy.engine.applying import Outcome
from deploy.engine.log import open_log
from deploy.engine.session import Session
from deploy.errors import InventoryError
from deploy.model import Cluster
from deploy.model.row import Disturbs, Row, State
from deploy.plan import Where
from tests.unit.engine.phases import Silent, applied, phase, states
from tests.unit.engine.sshd import ADDRESSES, ME, Sshd, cluster_of


def test_a_plan_has_a_row_per_operation_and_host_with_its_diff(session: Session, disk: Path) -> None:
    path = disk / "w1-two"
    (disk / "cp1-one").write_text("first")

    rows = planning.plan(session, [phase("two_files")], None)

    assert states(rows) == [
        ("cp1", "Write one", "none"),
        ("cp1", "Write two", "change"),
        ("w1", "Write one", "change"),
        ("w1", "Write two", "change"),
    ]
    assert rows[3] == Row(
        phase="two_files",
        host="w1",
        operation="Write two",
        state=State.CHANGE,
        diff=f"--- {path}\n+++ {path}\n@@ -0,0 +1 @@\n+second",
        commands=(f"cat > {path}",),
    )
    assert not path.exists()


def test_after_an_apply_the_plan_is_empty(session: Session, disk: Path) -> None:
    work = applied(session, phase("two_files"))

    assert len(work.outcome.done) == 4
    assert (disk / "w1-two").read_text() == "second\n"
    assert not [row for row in planning.plan(session, [phase("two_files")], None) if row.pending]


def test_a_second_apply_changes_nothing(session: Session) -> None:
    applied(session, phase("two_files"))

    assert applied(session, phase("two_files")).outcome == Outcome()


def test_what_follows_from_a_change_in_the_same_phase_is_done_in_the_same_run(
    session: Session, disk: Path
) -> None:
    """When the plan is made the second operation has nothing to do; it is looked at again in its turn."""
    work = applied(session, phase("service"))

    assert (disk / "w1-running").read_text() == "new\n"
    assert states(work.outcome.unforeseen) == [
        ("cp1", "Restart it", "change"),
        ("w1", "Restart it", "change"),
    ]


def test_on_a_running_cluster_what_disturbs_is_left_for_the_rolling(session: Session, disk: Path) -> None:
    work = applied(session, phase("service"), members=["cp1", "w1"])

    assert states(work.outcome.done) == [("cp1", "Configure it", "change"), ("w1", "Configure it", "change")]
    assert states(work.outcome.deferred) == [("cp1", "Restart it", "change"), ("w1", "Restart it", "change")]
    assert {row.disturbs for row in work.outcome.deferred} == {Disturbs.PODS}
    assert not (disk / "w1-running").exists()


def test_a_model_is_stopped_at_once_as_no_host_is_disturbed_by_it(session: Session, disk: Path) -> None:
    work = applied(session, phase("model"), members=["cp1", "w1"])

    assert work.outcome.deferred == []
    assert [row.disturbs for row in work.outcome.done if row.operation == "Stop it"] == [Disturbs.MODEL] * 2
    assert (disk / "w1-moved").exists()


def test_a_host_that_has_not_joined_waits_for_nobody(session: Session, disk: Path) -> None:
    work = applied(session, phase("service"), members=["cp1"])

    assert states(work.outcome.deferred) == [("cp1", "Restart it", "change")]
    assert (disk / "w1-running").read_text() == "new\n"


def test_an_unread_fact_is_an_error_and_never_its_default(session: Session) -> None:
    rows = planning.plan(session, [phase("unreadable")], None)

    assert [(row.host, row.state, row.reason) for row in rows] == [
        (
            host,
            State.ERROR,
            "could not read the host: echo no such thing >&2; exit 3\nexited with 3: no such thing",
        )
        for host in ("cp1", "w1")
    ]


def test_an_operators_mistake_is_said_as_it_is(session: Session) -> None:
    rows = planning.plan(session, [phase("ours")], None)

    assert [(row.host, row.reason) for row in rows] == [
        ("cp1", "the disk is upside down"),
        ("w1", "the disk is upside down"),
    ]


def test_a_step_that_raises_on_one_host_is_an_error_of_that_host(session: Session) -> None:
    rows = planning.plan(session, [phase("mistaken")], None)

    assert states(rows) == [
        ("cp1", "Write one", "change"),
        ("w1", "Write one", "change"),
        ("w1", "Title of mistaken", "error"),
    ]
    assert rows[-1].reason == "KeyError: 'spam'"


def test_what_the_inventory_has_wrong_about_hosts_is_said_once_and_changes_nothing(session: Session) -> None:
    with pytest.raises(InventoryError) as error:
        planning.plan(session, [phase("another_cluster")], None)

    assert str(error.value) == "cp1 belongs to cluster other\nw1 belongs to cluster other"


def test_without_an_api_the_rows_that_ask_it_are_unknown_until_the_control_plane(session: Session) -> None:
    rows = planning.plan(session, [phase("two_files", Where.SPEAKER)], None)

    assert [(row.host, row.operation, row.state, row.until) for row in rows] == [
        ("cp1", "Write one", State.UNKNOWN, "control-plane"),
        ("cp1", "Write two", State.UNKNOWN, "control-plane"),
    ]


@pytest.mark.parametrize("name", ["two_files", "unreadable", "mistaken"])
@pytest.mark.parametrize("speaker", ["cp1", None])
def test_rows_say_whether_they_are_the_clusters_or_a_hosts(
    session: Session, name: str, speaker: str | None
) -> None:
    spoken = planning.plan(session, [phase(name, Where.SPEAKER)], speaker)
    first = planning.plan(session, [phase(name, Where.FIRST)], speaker)

    assert {row.of_cluster for row in spoken} == {True}
    assert {row.of_cluster for row in first} == {False}


def test_an_operation_may_ask_another_host(session: Session, disk: Path) -> None:
    (disk / "cp1-token").write_text("abc")

    applied(session, phase("from_control_plane", Where.WORKERS))

    assert (disk / "w1-token").read_text() == "abc\n"


def test_what_goes_to_standard_input_is_in_no_row_and_no_log(session: Session) -> None:
    with open_log("test", "apply") as log:
        work = applied(session, phase("secret"))

    assert [row.operation for row in work.outcome.done] == ["Write a secret"] * 2
    assert "hunter2" not in str(work.outcome) + log.read_text()
    assert "Write a secret: changed" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_operations_of_hosts_that_differ_keep_their_names(session: Session) -> None:
    rows = planning.plan(session, [phase("named_by_host")], None)

    assert [(row.host, row.operation) for row in rows] == [
        ("cp1", "Join cp1"),
        ("cp1", "Then rest"),
        ("w1", "Join w1"),
        ("w1", "Only here"),
        ("w1", "Then rest"),
    ]


def test_uploads_in_many_phases_land_on_the_right_host(session: Session, disk: Path) -> None:
    """pyinfra's own connector mixes hosts up here: it knows file transfers by memory address."""
    for _ in range(10):
        applied(session, phase("uploaded"))
        assert {path.name: path.read_text() for path in disk.iterdir()} == {
            "cp1-upload": "for cp1\n",
            "w1-upload": "for w1\n",
        }
        for path in disk.iterdir():
            path.unlink()


@pytest.fixture
def three(sshd: Sshd, cluster: Cluster, disk: Path) -> Iterator[Session]:
    """Three control planes; `cluster` has made their keys known."""
    nodes = [
        {"name": f"cp{number}", "address": address, "roles": ["control-plane"]}
        for number, address in enumerate(ADDRESSES, 1)
    ]
    ssh = {"user": ME, "port": sshd.port, "key": str(sshd.key)}
    with Session(cluster_of(*nodes, ssh=ssh), Path("lab.yaml")) as opened:
        yield opened


def test_the_other_control_planes_come_one_by_one(three: Session) -> None:
    work = applied(three, phase("two_files", Where.OTHERS))

    assert isinstance(work.watcher, Silent)
    assert work.watcher.told[1:5] == [
        "cp2: Write one",
        "cp2: Write two",
        "cp3: Write one",
        "cp3: Write two",
    ]


def test_after_one_of_them_fails_no_other_is_tried(three: Session, disk: Path) -> None:
    work = applied(three, phase("second_fails", Where.OTHERS))

    assert [(row.host, row.operation) for row in work.outcome.failed] == [("cp2", "Break it")]
    assert list(disk.iterdir()) == []
