"""Which hosts wait for a reboot is said; what a killed run left, and what failed for want of one, goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.engine import reboots, rolling, speaker, summary
from deploy.engine.applying import SILENT, Apply
from deploy.engine.rebooting import Reboots
from deploy.engine.session import Session
from deploy.engine.survey import survey
from deploy.model.row import Row, State
from deploy.plan import Phase, Where
from tests.unit.engine import sample
from tests.unit.engine.phases import Silent, states
from tests.unit.engine.reboots import (
    WHY,
    Hosts,
    apply,
    left_by_a_killed_run,
    nobody,
    told,
    turn,
)


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
