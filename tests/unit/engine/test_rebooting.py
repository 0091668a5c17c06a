"""Hosts that wait for a reboot: said, and given it one at a time, drained, only where that was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.engine import locks, planning, rebooting, reboots, rolling, speaker, summary
from deploy.engine.applying import SILENT, Apply
from deploy.engine.rebooting import Reboots
from deploy.engine.session import Session
from deploy.engine.speaker import CORDONED
from deploy.engine.survey import survey
from deploy.errors import Exit
from deploy.model import Cluster
from deploy.model.row import Disturbs, Row, State
from deploy.observe import reboot
from deploy.plan import Phase, Where
from tests.unit.engine import sample
from tests.unit.engine.kubectl import node
from tests.unit.engine.sample import KILL_SSHD
from tests.unit.engine.test_phases import Silent, states

KERNEL = "running 6.12.1\ninstalled 6.12.1\n"
WAITS = f"{KERNEL}reboot linux-image-6.12.9\n"
WHY = "a reboot is asked for by linux-image-6.12.9"
ADDRESSES = {"cp1": "127.0.0.1", "w1": "127.0.0.2"}
MINE = "cd {directory}; me=$(echo $SSH_CONNECTION | cut -d ' ' -f 3)"
DRAIN = "drain --ignore-daemonsets --delete-emptydir-data --timeout=300s"


class Hosts:
    """Two hosts that are this machine, told apart by the address at which they are asked."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ADDRESSES:
            self.is_well(name)
            self._file(name, "boot").write_text("first\n")

    def waits(self, name: str, text: str = WAITS) -> None:
        """Have a host wait for a reboot, which helps."""
        self._file(name, "state").write_text(text)
        self._file(name, "then").write_text(KERNEL)

    def is_well(self, name: str) -> None:
        self.waits(name, KERNEL)

    def is_not_helped(self, name: str) -> None:
        self._file(name, "then").write_text(WAITS)

    def _file(self, name: str, what: str) -> Path:
        return self._directory / f"{ADDRESSES[name]}.{what}"

    @property
    def calls(self) -> list[str]:
        path = self._directory / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def hosts(api: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    mine = MINE.format(directory=api)
    order = f"echo reboot $me >> calls; echo second > $me.boot; cp $me.then $me.state; {KILL_SSHD}"
    monkeypatch.setattr(reboot, "COMMAND", f"{mine}; cat $me.state")
    monkeypatch.setattr(rebooting, "BOOT", f"{mine}; cat $me.boot")
    monkeypatch.setattr(rebooting, "ORDER", f"{mine}; {order}")
    monkeypatch.setattr(rebooting, "BACK_WITHIN", 5.0)
    monkeypatch.setattr(rebooting, "ASKED_EVERY", 0.1)
    return Hosts(api)


@contextmanager
def nobody(_: str) -> Iterator[None]:
    yield


def apply(session: Session, *, allowed: bool = True) -> Apply:
    speaks = speaker.speaker(session)
    members = speaker.nodes(session, speaks) if speaks else {}
    work = Apply(session, Silent(), {}, speaks, members)
    Reboots(nobody, allowed=allowed).run(work, ())
    return work


def told(work: Apply) -> Sequence[str]:
    assert isinstance(work.watcher, Silent)
    return work.watcher.told


def turn(name: str) -> list[str]:
    return [
        f"annotate --overwrite node {name} {CORDONED}=DATE",
        f"cordon {name}",
        f"{DRAIN} {name}",
        f"reboot {ADDRESSES[name]}",
        f"uncordon {name}",
        f"annotate node {name} {CORDONED}-",
    ]


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


def test_without_leave_nothing_is_rebooted_and_it_is_said_who_waits(session: Session, hosts: Hosts) -> None:
    hosts.waits("w1")

    work = apply(session, allowed=False)

    assert hosts.calls == []
    assert work.outcome.done == work.outcome.failed == []
    assert told(work) == [
        f"Waits for a reboot: w1 ({WHY}); `slipway apply --reboot` does it, one host at a time."
    ]


@pytest.mark.parametrize("allowed", [True, False])
def test_the_plan_says_which_hosts_would_be_rebooted_and_why(
    session: Session, hosts: Hosts, allowed: bool
) -> None:
    hosts.waits("w1")

    rows = survey(session, [], reboot=allowed).rows

    shown, line = summary.text(rows, {reboots.PHASE: reboots.TITLE}), summary.summary(rows)
    if allowed:
        assert shown == (
            "Reboot the hosts that wait for it (reboot)\n"
            "  ~ w1: Reboot the host  [disturbs the whole host]\n"
            f"      {WHY}"
        )
        assert line == "1 change on 1 host. Disturbs the whole host of w1."
    else:
        assert shown == ""
        assert line == (
            f"0 changes. Waits for a reboot: w1 ({WHY});"
            " `slipway apply --reboot` does it, one host at a time."
        )


def test_a_night_does_not_ask_for_it_twice(session: Session, hosts: Hosts) -> None:
    hosts.waits("w1")

    assert survey(session, []).rows == []


def test_a_host_that_does_not_name_its_kernel_is_not_taken_for_one_that_waits_for_nothing(
    session: Session, hosts: Hosts
) -> None:
    hosts.waits("w1", "")

    rows = survey(session, [], reboot=False).rows

    assert rows == [
        Row(
            "reboot",
            "w1",
            "Know whether the host waits for a reboot",
            State.ERROR,
            reason="the host did not name its kernel: it said nothing",
        )
    ]


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


def left_by_a_killed_run(api: Path) -> None:
    cordoned = node("w1", annotations={CORDONED: "2026-11-30T01:00:00Z"})
    cordoned["spec"] = {"unschedulable": True}
    (api / "nodes.json").write_text(json.dumps({"items": [node("cp1"), cordoned]}))


def test_killed_before_the_reboot_the_next_run_goes_on_with_the_empty_node(
    session: Session, hosts: Hosts, api: Path
) -> None:
    hosts.waits("w1")
    left_by_a_killed_run(api)

    found = survey(session, [], reboot=True)
    work = apply(session)

    assert [(row.phase, row.host) for row in found.rows] == [("reboot", "w1")]
    assert hosts.calls == turn("w1")
    assert work.outcome.failed == []


@pytest.mark.parametrize("allowed", [True, False])
def test_killed_after_the_reboot_the_next_run_lets_pods_on_the_node_again(
    session: Session, hosts: Hosts, api: Path, allowed: bool
) -> None:
    left_by_a_killed_run(api)

    found = survey(session, [], reboot=allowed)

    assert states(found.rows) == [("w1", rolling.UNCORDON, "change")]
    assert hosts.calls == []


def test_a_run_without_leave_gives_a_node_back_that_a_killed_one_had_emptied(
    session: Session, hosts: Hosts, api: Path
) -> None:
    hosts.waits("w1")
    left_by_a_killed_run(api)

    found = survey(session, [], reboot=False)

    assert [(row.phase, row.host, row.state) for row in found.rows] == [
        ("rolling", "w1", State.CHANGE),
        ("reboot", "w1", State.NONE),
    ]


def test_bare_hosts_are_rebooted_without_a_cluster_to_ask(session: Session, hosts: Hosts, api: Path) -> None:
    hosts.waits("w1")
    (api / "down").touch()

    work = apply(session)

    assert hosts.calls == ["reboot 127.0.0.2"]
    assert [row.host for row in work.outcome.done] == ["w1"]


def test_nodes_are_not_rebooted_while_no_api_server_answers(
    session: Session, hosts: Hosts, api: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts.waits("w1")
    (api / "down").touch()
    monkeypatch.setattr(speaker, "PATIENCE", 0.5)
    monkeypatch.setattr(speaker, "JOINED", "true")
    work = Apply(session, Silent(), {}, None, speaker.joined(session))

    Reboots(nobody, allowed=True).run(work, ())

    assert work.outcome.failed == [Row("reboot", "w1", "Reboot the host", State.ERROR, reason=SILENT)]
    assert hosts.calls == []


def failed_on(work: Apply, host: str, phase: str) -> None:
    work.outcome.failed.append(Row(phase, host, "Do it", State.ERROR, reason="because"))


def test_a_driver_that_did_not_load_for_want_of_a_reboot_is_tried_again_after_it(
    session: Session, hosts: Hosts, tmp_path: Path
) -> None:
    hosts.waits("w1")
    work = Apply(session, Silent(), {}, "cp1", speaker.nodes(session, "cp1"))
    failed_on(work, "w1", "gpu-hosts")
    two_files = Phase("two_files", "Two files", "tests.unit.engine.sample.two_files", Where.ALL)

    Reboots(nobody, allowed=True).run(work, (two_files,))

    assert work.outcome.failed == []
    assert (tmp_path / "disk" / "w1-two").read_text() == "second\n"
    assert sample.directory == tmp_path / "disk"


def test_a_host_on_which_something_else_failed_is_not_rebooted(session: Session, hosts: Hosts) -> None:
    hosts.waits("w1")
    work = Apply(session, Silent(), {}, "cp1", speaker.nodes(session, "cp1"))
    failed_on(work, "w1", "baseline")

    Reboots(nobody, allowed=True).run(work, ())

    assert hosts.calls == []
    assert told(work) == ["w1 waits for a reboot and is not given it, as something failed on it."]


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
