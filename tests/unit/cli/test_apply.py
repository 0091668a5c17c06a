from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from checks.finding import Finding, Severity, Status
from deploy.cli.apply import _refuse_unfit_hosts, tell
from deploy.cli.plan import show
from deploy.cli.progress import Terminal, line
from deploy.engine import locks
from deploy.engine.applying import Outcome
from deploy.engine.speaker import KubeNode
from deploy.engine.survey import Survey
from deploy.errors import HostError
from deploy.model import Cluster, paths
from deploy.model.row import Row, State
from tests.unit.cli.called import slipway

ROW = Row("baseline", "w1", "Turn swap off", State.CHANGE)
BOB = locks.Holder("apply", "bob", "desk", 17, "2026-11-30T02:00:00Z")


def test_without_a_terminal_and_without_yes_nothing_is_begun(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slipway("apply", inventory) == 2
    assert capsys.readouterr().err == (
        "apply asks before it changes anything, and there is no terminal to answer on: add --yes\n"
    )


def test_a_second_apply_is_refused_before_any_host_is_asked(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with locks.on_controller("test", paths.run_lock("test"), BOB):
        assert slipway("apply", inventory, "--yes") == 3

    assert capsys.readouterr().err == (
        "cluster test is being worked on by `slipway apply` of bob on desk (process 17), since "
        f"2026-11-30T02:00:00Z; the lock is {paths.run_lock('test')}. "
        "Wait for it to end, or end it; its lock goes with it.\n"
    )


def test_a_run_that_died_is_said_and_the_control_plane_that_is_away_is_named(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.run_lock("test").parent.mkdir(parents=True)
    paths.run_lock("test").write_text(
        '{"verb": "apply", "user": "bob", "machine": "desk", "pid": 17, "since": "x"}'
    )

    assert slipway("apply", inventory, "--yes") == 6

    said = capsys.readouterr()
    assert said.out == (
        "An earlier run did not end by itself: `slipway apply` of bob on desk (process 17), since x. "
        "Going on from what it left.\n"
    )
    assert said.err.startswith("no control plane of test can be used:\ncp1 (192.0.2.1 port 22): ")


def test_a_phase_that_does_not_exist_is_a_usage_error(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slipway("plan", inventory, "--only", "basline") == 2
    assert "there is no phase 'basline'; did you mean baseline?" in capsys.readouterr().err


def test_a_plan_of_nobody_says_who_was_not_looked_at(
    inventory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slipway("plan", inventory) == 6
    assert capsys.readouterr().out == "0 changes. Not looked at: cp1, w1.\n"


def test_a_plan_and_an_apply_show_what_hosts_said_and_obey_it_in_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    evil = "\x1b[2J\x9b31m\x08"
    changed = replace(ROW, state=State.CHANGE, diff=f"+ {evil}new", reason=f"{evil}differs")
    session: Any = SimpleNamespace(unreachable={"w2": f"w2: {evil}"})

    show([changed], [], session, output="text", verbose=True)
    tell(Outcome(failed=[replace(ROW, state=State.ERROR, reason=f"{evil}no")]), [f"w3: {evil}"], 2)

    said = capsys.readouterr()
    assert "+ [2J31mnew" in said.out
    assert {char for char in said.out + said.err if unicodedata.category(char) == "Cc"} == {"\n"}


def test_a_lost_host_is_named_once_whether_it_failed_or_was_only_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = Row("baseline", "w1", "Prepare the hosts", State.ERROR, reason="w1: the connection was lost")

    tell(
        Outcome(done=[ROW], failed=[failed]),
        ["w1: the connection was lost", "cp1: the connection was lost"],
        2,
    )

    said = capsys.readouterr()
    assert said.out == "1 changed on 1 hosts in 2.0 s.\n"
    assert said.err == (
        "w1: Prepare the hosts (baseline) failed:\nw1: the connection was lost\n"
        "cp1: the connection was lost\n"
        "What is done stays done; mend this and run the same command again.\n"
    )


CARD_GONE = Finding(
    "GPU-01", "g1", Status.FAIL, Severity.ERROR, "no GPU", "2x intel A770", "", "Reseat the card", "gpu"
)
Members = dict[str, KubeNode]
MEMBERS: Members = {name: KubeNode(name, True, False, False, frozenset()) for name in ("cp1", "g1", "w1")}


EQUIPPED = Cluster.model_validate(
    {
        "name": "lab",
        "nodes": [
            {"name": "cp1", "address": "10.0.0.11", "roles": ["control-plane"]},
            {
                "name": "g1",
                "address": "10.0.0.12",
                "roles": ["worker"],
                "gpus": [
                    {"vendor": "intel", "model": "A770", "count": 2},
                    {"vendor": "nvidia", "model": "H100", "count": 1},
                ],
            },
            {"name": "w1", "address": "10.0.0.13", "roles": ["worker"]},
        ],
    }
)


def refused(
    monkeypatch: pytest.MonkeyPatch, findings: list[Finding], *rows: Row, members: Members = MEMBERS
) -> str:
    """Return what an apply of a living cluster says before it begins."""
    monkeypatch.setattr("deploy.cli.preflight.run_preflight", lambda *_: findings)
    session = SimpleNamespace(hosts=tuple(MEMBERS), chosen=set(MEMBERS), cluster=EQUIPPED)
    try:
        _refuse_unfit_hosts(session, Survey("cp1", members, rows))  # type: ignore[arg-type]
    except HostError as error:
        return str(error)
    return ""


def test_a_node_that_gets_gpus_is_asked_for_them_before_it_is_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = Row("gpu-hosts", "g1", "Load the driver", State.CHANGE)
    disk = replace(CARD_GONE, check="HOST-25")
    other = replace(CARD_GONE, host="w1")

    assert refused(monkeypatch, [CARD_GONE, disk, other], driver) == (
        "Preflight fails, and nothing was touched:\n"
        "  [GPU-01] g1: found no GPU, wanted 2x intel A770\n"
        "      Reseat the card\n"
        "Mend them, or name under `ignore:` in the inventory what shall not count."
    )


@pytest.mark.parametrize(
    "rows",
    [
        [ROW],
        [Row("gpu-hosts", "g1", "Load the driver", State.NONE)],
        [
            Row("gpu-hosts", "g1", "Load the driver", State.CHANGE),
            Row("reboot", "g1", "Reboot the host", State.CHANGE),
        ],
    ],
)
def test_a_node_whose_gpus_are_prepared_or_that_is_rebooted_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, rows: list[Row]
) -> None:
    assert refused(monkeypatch, [CARD_GONE], *rows) == ""


@pytest.mark.parametrize("labels", [frozenset({"slipway.dev/gpu-intel", "slipway.dev/gpu-nvidia"}), None])
def test_a_card_that_died_keeps_no_other_change_from_a_node_that_gives_gpus_away(
    monkeypatch: pytest.MonkeyPatch, labels: frozenset[str] | None
) -> None:
    driver = Row("gpu-hosts", "g1", "Load the driver", State.CHANGE)
    members = MEMBERS | {"g1": KubeNode("g1", True, False, False, labels)}

    assert refused(monkeypatch, [CARD_GONE], driver, members=members) == ""


def test_a_node_that_gets_cards_of_a_second_vendor_is_asked_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Row("gpu-hosts", "g1", "Load the driver", State.CHANGE)
    members = MEMBERS | {"g1": KubeNode("g1", True, False, False, frozenset({"slipway.dev/gpu-intel"}))}

    assert "[GPU-01] g1" in refused(monkeypatch, [CARD_GONE], driver, members=members)


def test_a_phase_is_one_line_with_its_seconds_and_what_it_came_to() -> None:
    failed = Outcome(done=[ROW, ROW], deferred=[ROW], failed=[ROW])

    assert line("Prepare the hosts", Outcome(), 1.25) == (
        "  Prepare the hosts                     1.2 s   0 changed"
    )
    assert line("Prepare the hosts", failed, 61) == (
        "  Prepare the hosts                    61.0 s   2 changed, 1 left for the rolling, failed on w1"
    )


def test_on_a_terminal_what_runs_is_shown_for_every_host() -> None:
    shown: list[str] = []

    class Status:
        def update(self, text: str) -> None:
            shown.append(text)

    watcher = Terminal(Status())  # type: ignore[arg-type]
    watcher.phase_begins("Prepare the hosts", ["cp1", "w1"])
    watcher.row_begins(ROW)
    watcher.row_begins(Row("baseline", "cp1", "Set sysctls", State.CHANGE))

    assert shown == [
        "Prepare the hosts ...",
        "Prepare the hosts: w1: Turn swap off",
        "Prepare the hosts: w1: Turn swap off; cp1: Set sysctls",
    ]
