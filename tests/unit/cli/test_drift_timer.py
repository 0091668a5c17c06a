"""`slipway drift --install-timer`: a job that could not run by itself at night is not installed."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.report import Report, history, run_id
from deploy.model import paths
from deploy.model.row import Row, State
from tests.unit.cli.called import slipway
from tests.unit.full_disk import no_room_beyond

INVENTORY = """name: test
kubernetes: {endpoint: 192.0.2.1}
nodes: [{name: cp1, address: 192.0.2.1, roles: [control-plane]}]
object_store:
  provider: external
  endpoint: https://s3.home.arpa
  credentials: {access_key: {env: S3_USER}, secret_key: {file: secret}}
"""


def test_secrets_of_variables_are_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("S3_USER", "somebody")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "secret").write_text("s3cret")
    inventory = tmp_path / "test.yaml"
    inventory.write_text(INVENTORY)

    assert slipway("drift", inventory, "--install-timer") == 2

    assert capsys.readouterr().err == (
        f"{inventory}: at night there are none of your variables, and secrets are taken from some:\n"
        "  object_store.credentials.access_key: {env: S3_USER}\n"
        "Put each into a file that only you may read, and refer to it by {file: PATH}.\n"
    )
    assert not (tmp_path / "state").exists()


def test_a_hook_that_is_not_there_is_refused(inventory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert slipway("drift", inventory, "--install-timer", "--on-change", "./absent") == 2

    assert capsys.readouterr().err == (
        "--on-change: ./absent is no program here that you may run; give its path, or make it executable\n"
    )


def test_a_folder_for_metrics_that_is_not_there_is_refused(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "node-exporter" / "slipway.prom"

    assert slipway("drift", inventory, "--install-timer", "--textfile", metrics) == 2

    assert capsys.readouterr().err == (
        f"--textfile {metrics}: {metrics.parent} is no folder, wanted the one that node_exporter reads (its "
        "--collector.textfile.directory); make it, or mount what it lies on\n"
    )
    assert not paths.cluster_state("test").exists()


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of units, with a systemd that takes everything, and a user who lingers."""
    programs, found = tmp_path / "bin", tmp_path / "units"
    programs.mkdir()
    for name, does in {"systemctl": "exit 0", "loginctl": "echo yes"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o700)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr("checks.drift.timer.directory", lambda **_: found)
    return found


def test_a_timer_in_place_of_another_inventorys_says_so(
    inventory: Path, tmp_path: Path, units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other place.yaml"
    other.write_text(inventory.read_text())
    said = f"in place of the timer of {inventory}"

    for each in (inventory, inventory):
        assert slipway("drift", each, "--install-timer") == 0
        assert "in place of" not in capsys.readouterr().out
    assert slipway("drift", other, "--install-timer") == 0

    assert said in capsys.readouterr().out.splitlines()
    assert slipway("drift", inventory, "--uninstall-timer") == 0
    assert f"it was the timer of {other}" in capsys.readouterr().out.splitlines()


def test_metrics_that_nobody_renews_any_more_are_named(
    inventory: Path, tmp_path: Path, units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "slipway.prom"
    removed = [f"removed {units}/slipway-drift-test.{kind}" for kind in ("timer", "service")]
    said = f"{metrics} stays, and what it says grows old: delete it if no other run writes it"

    for there in (False, True):
        assert slipway("drift", inventory, "--install-timer", "--textfile", metrics) == 0
        if there:
            metrics.touch()
        assert slipway("drift", inventory, "--install-timer", "--textfile", metrics) == 0
        assert "grows old" not in capsys.readouterr().out
        assert slipway("drift", inventory, "--uninstall-timer") == 0
        assert capsys.readouterr().out.splitlines() == [*removed, *([said] if there else [])]


def test_a_timer_that_writes_no_metrics_any_more_says_which_grow_old(
    inventory: Path, tmp_path: Path, units: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics = tmp_path / "slipway.prom"
    metrics.touch()
    slipway("drift", inventory, "--install-timer", "--textfile", metrics)
    capsys.readouterr()

    assert slipway("drift", inventory, "--install-timer") == 0

    said = f"{metrics} stays, and what it says grows old: delete it if no other run writes it"
    assert said in capsys.readouterr().out.splitlines()


def run(inventory: Path, *options: str) -> Report:
    """Look at hosts that nobody has, and return the report that was kept of it."""
    paths.lock_file(inventory).write_text("files: {}\nimages: {}\n")
    assert slipway("drift", inventory, "-o", "short", *options) == 6
    kept = history.last(paths.reports("test"), "drift", datetime.now(UTC))
    assert kept is not None
    return kept


def test_only_what_the_timer_began_is_a_night_and_runs_by_hand_remember_it(
    inventory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(inventory)
    monkeypatch.setenv("SLIPWAY_TIMER", "1")
    night = run(inventory)
    monkeypatch.delenv("SLIPWAY_TIMER")
    by_hand = run(inventory)

    assert not night.complete
    assert (first.last_nightly, night.last_nightly) == (None, night.started)
    assert by_hand.last_nightly == night.started


def test_a_run_holds_its_lock_until_its_report_is_kept_and_told(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, reports, seen = paths.run_lock("test"), paths.reports("test"), tmp_path / "seen"
    last, busy = history.last, []

    def looked(directory: Path, verb: str, now: datetime) -> Report | None:
        busy.append(subprocess.run(["flock", "-n", lock, "true"], check=False).returncode)
        return last(directory, verb, now)

    monkeypatch.setattr(history, "last", looked)
    look = f"{{ flock -n {lock} true; echo $?; ls {reports}; }}"

    run(inventory, "--on-change", f"sh -c {shlex.quote(f'{look} > {seen}')}")

    [kept] = reports.iterdir()
    assert (busy[0], seen.read_text()) == (1, f"1\n{kept.name}\n")


PENDING = Report(
    "drift",
    "test",
    "20261130T031700Z-9f3a",
    datetime(2026, 11, 30, 3, 17, tzinfo=UTC),
    1.0,
    (),
    rows=(Row("baseline", "w1", "Cap the journal", State.CHANGE),),
)


@pytest.mark.parametrize(("hook", "code", "failed"), [("true", 5, 0), ("false", 3, 1)])
def test_a_night_that_nobody_could_be_told_of_ends_like_a_failed_check(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, code: int, failed: int
) -> None:
    monkeypatch.setattr("deploy.cli.drift._run", lambda *_: PENDING)
    textfile = tmp_path / "slipway.prom"

    assert slipway("drift", inventory, "--on-change", hook, "--textfile", textfile) == code

    lines = textfile.read_text().splitlines()
    assert f'slipway_hook_failed{{cluster="test",hook="command"}} {failed}' in lines
    assert f'slipway_run_exit_code{{cluster="test",verb="drift"}} {code}' in lines


def test_a_webhook_whose_file_is_gone_takes_no_night_away_and_by_hand_is_refused(
    inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("deploy.cli.drift._run", lambda *_: PENDING)
    gone = tmp_path / "webhook"
    said = f"{gone}: the webhook's address could not be read: No such file or directory\n"

    assert slipway("drift", inventory, "--webhook-file", gone) == 2
    assert capsys.readouterr().err == said
    assert not paths.reports("test").exists()

    monkeypatch.setenv("SLIPWAY_TIMER", "1")
    assert slipway("drift", inventory, "--webhook-file", gone) == 3
    assert capsys.readouterr().err == f"nobody was told by the webhook of {gone}: {said}"
    assert [*paths.reports("test").iterdir()] != []


def test_a_plugin_warns_of_a_good_night_that_nobody_could_be_told_of(
    inventory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    well = replace(PENDING, rows=(replace(PENDING.rows[0], state=State.NONE),))
    monkeypatch.setattr("deploy.cli.drift._run", lambda *_: well)
    known = {"command false": [{"check": "baseline | Cap the journal", "host": "w1", "said": "change"}]}
    paths.cluster_state("test").mkdir(parents=True)
    paths.told("test").write_text(json.dumps(known))

    assert slipway("drift", inventory, "-o", "nagios", "--on-change", "false") == 1

    out, err = capsys.readouterr()
    assert out.startswith("SLIPWAY WARNING - test drift: 0 passed, nobody was told by the command|")
    assert err == "nobody was told by the command false: it ended with 1\n"


@pytest.mark.parametrize(
    ("hook", "said", "code"),
    [("true", ", 1 pending change|", 5), ("false", ", 1 pending change, nobody was told by the command|", 3)],
)
def test_a_night_that_is_shown_again_says_whether_somebody_could_be_told_of_it(
    inventory: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hook: str,
    said: str,
    code: int,
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    seen = replace(PENDING, started=now, run=run_id(now, "0"))
    monkeypatch.setattr("deploy.cli.drift._run", lambda *_: seen)

    slipway("drift", inventory, "--on-change", hook)

    capsys.readouterr()
    assert slipway("report", inventory, "-o", "nagios") == 1
    assert said in capsys.readouterr().out
    slipway("report", inventory, "-o", "json")
    kept = json.loads(capsys.readouterr().out)
    assert (kept["hook_failed"], kept["exit"]) == ({"command": hook == "false"}, code)
    assert [each.name for each in paths.reports("test").iterdir()] == [f"{seen.run}.drift.json"]


def test_without_room_the_night_looks_and_tells_all_the_same(
    inventory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.lock_file(inventory).write_text("files: {}\nimages: {}\n")

    with no_room_beyond(0):
        assert slipway("drift", inventory, "-o", "short", "--on-change", f"mkdir {tmp_path}/told") == 6

    out, err = capsys.readouterr()
    assert (tmp_path / "told").is_dir()
    assert "unreachable: w1 (192.0.2.2 port 22)" in out
    assert err.count("could not be written: File too large\n") == 2  # the report, and what was told
