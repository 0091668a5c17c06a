"""Hosts that wait for a reboot get it one at a time, drained before and waited for after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.engine import locks, planning, rebooting, speaker
from deploy.engine.applying import Apply
from deploy.engine.rebooting import Reboots
from deploy.engine.session import Session
from deploy.engine.speaker import CORDONED
from deploy.errors import Exit
from deploy.model import Cluster
from deploy.model.row import Disturbs, Row, State
from tests.unit.engine.kubectl import node
from tests.unit.engine.phases import Silent
from tests.unit.engine.reboots import (
    ADDRESSES,
    DRAIN,
    WHY,
    Hosts,
    apply,
    told,
    turn,
)


def test_hosts_are_emptied_rebooted_and_filled_again_one_after_the_other(
    session: Session, hosts: Hosts
) -> None:
    for name in ADDRESSES:
        hosts.waits(name)

    work = apply(session)

    assert hosts.calls == turn("cp1") + turn("w1")
    assert work.outcome.done == [
        Row("reboot", name, "Reboot the host", State.CHANGE, Disturbs.HOST, reason=WHY) for name in ADDRESSES
    ]
    assert work.outcome.failed == []
    assert session.hosts == ("cp1", "w1")
    assert session.exit_code is Exit.OK


def test_only_the_host_that_waits_is_rebooted(session: Session, hosts: Hosts) -> None:
    hosts.waits("w1")

    apply(session)

    assert hosts.calls == turn("w1")


def test_a_node_that_cannot_be_emptied_is_not_rebooted_and_takes_pods_again(
    session: Session, hosts: Hosts, api: Path
) -> None:
    for name in ADDRESSES:
        hosts.waits(name)
    said = "Cannot evict pod as it would violate the pod's disruption budget."
    script = (api / "kubectl").read_text()
    (api / "kubectl").write_text(script.replace("*) echo", f'drain*) echo "{said}" >&2; exit 1 ;;\n*) echo'))

    work = apply(session)

    assert [(row.host, row.reason) for row in work.outcome.failed] == [
        (
            "cp1",
            (
                "cp1 was not emptied within 300 s, and so not rebooted:"
                f" cp1: kubectl {DRAIN} cp1 failed: {said}\n"
                "End what is named there, or let its disruption budget allow it,"
                " and run the same command again"
            ),
        )
    ]
    assert "reboot 127.0.0.1" not in hosts.calls
    assert hosts.calls[-2:] == ["uncordon cp1", f"annotate node cp1 {CORDONED}-"]
    assert told(work)[-1] == "The reboots stop at cp1; not rebooted: w1."


def test_a_host_that_does_not_boot_ends_it_and_stays_cordoned(
    session: Session, hosts: Hosts, api: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.waits("w1")
    monkeypatch.setattr(rebooting, "BACK_WITHIN", 0.5)
    monkeypatch.setattr(rebooting, "ORDER", "true")
    (api / "node.json").write_text(json.dumps(node("any", ready=False)))

    work = apply(session)

    assert [(row.host, row.reason) for row in work.outcome.failed] == [
        (
            "w1",
            (
                "w1 is not back 0 s after the order to reboot: it has not rebooted\n"
                "Look at its console; once it is back, run the same command again"
            ),
        )
    ]
    assert "w1 stays cordoned, until the next apply: it is not Ready." in told(work)
    assert "uncordon w1" not in hosts.calls


def test_a_node_that_is_not_ready_after_its_boot_ends_it(session: Session, hosts: Hosts, api: Path) -> None:
    for name in ADDRESSES:
        hosts.waits(name)
    (api / "node.json").write_text(json.dumps(node("any", ready=False)))

    work = apply(session)

    assert [row.reason for row in work.outcome.failed] == ["cp1 is not well again after 2 s: it is not Ready"]
    assert "reboot 127.0.0.2" not in hosts.calls


def test_a_reboot_that_does_not_help_is_an_error_and_not_tried_for_ever(
    session: Session, hosts: Hosts
) -> None:
    hosts.waits("w1")
    hosts.is_not_helped("w1")

    work = apply(session)

    assert [row.reason for row in work.outcome.failed] == [
        (
            f"w1 has been rebooted, and still: {WHY}\n"
            "Look at what its boot loads: `update-initramfs -u`, the boot loader's default kernel"
        )
    ]
    assert hosts.calls.count("reboot 127.0.0.2") == 1
    assert "uncordon w1" in hosts.calls


def test_a_cordon_that_a_person_made_outlives_the_reboot(session: Session, hosts: Hosts, api: Path) -> None:
    hosts.waits("w1")
    cordoned = {**node("w1"), "spec": {"unschedulable": True}}
    (api / "nodes.json").write_text(json.dumps({"items": [node("cp1"), cordoned]}))

    apply(session)

    assert hosts.calls == [f"{DRAIN} w1", "reboot 127.0.0.2"]


@pytest.fixture
def lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run" / "lock"
    monkeypatch.setattr(locks, "ON_HOST", str(path))
    monkeypatch.setattr(locks, "DIRECTORY", str(path.parent))
    return path


def test_the_control_plane_that_holds_the_lock_can_go_and_holds_it_again(
    session: Session, hosts: Hosts, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "BEAT", 0.1)
    hosts.waits("cp1")
    work = Apply(session, Silent(), {}, "cp1", speaker.nodes(session, "cp1"))

    with locks.on_host(session, "cp1", locks.me("apply")) as lock:
        Reboots(lock.away, allowed=True).run(work, ())

        assert locks.read(lock_file.read_text()) is not None
    assert work.outcome.failed == []
    assert hosts.calls == turn("cp1")


def test_a_host_that_is_rebooted_leaves_the_lock_of_another_alone(
    session: Session, hosts: Hosts, lock_file: Path
) -> None:
    hosts.waits("w1")
    with locks.on_host(session, "cp1", locks.me("apply")) as lock, lock.away("w1"):
        assert locks.read(lock_file.read_text()) is not None
        assert planning.plan(session, [], "cp1") == []


def test_another_control_plane_holds_the_lock_meanwhile(
    cluster: Cluster, lock_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both names are this machine: two locks at once would be one file's, so that it is only noted."""
    taken: list[str] = []

    class Noted(locks.HostLock):
        def take(self) -> None:
            taken.append(self._host)

    monkeypatch.setattr(locks, "HostLock", Noted)
    both = cluster.model_copy(
        update={
            "nodes": tuple(
                each.model_copy(update={"roles": cluster.nodes[0].roles}) for each in cluster.nodes
            )
        }
    )
    with Session(both, Path("lab.yaml")) as opened, locks.on_host(opened, "cp1", locks.me("apply")) as lock:
        with lock.away("cp1"):
            assert taken == ["cp1", "w1"]
        assert taken == ["cp1", "w1", "cp1"]
    assert not lock_file.exists()
