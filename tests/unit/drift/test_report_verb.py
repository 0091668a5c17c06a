"""`slipway report`: the last whole run again, whatever its format."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result
from test_compare import SWAP, night

from checks.drift.compare import compared
from checks.report import history
from checks.report.phrases import ago
from deploy.cli.report import report
from deploy.errors import InventoryError
from deploy.model import paths

INVENTORY = """name: homelab
nodes:
  - {name: w1, address: 10.0.0.11, roles: [control-plane]}
  - {name: w2, address: 10.0.0.12, roles: [worker]}
"""


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "homelab.yaml"
    path.write_text(INVENTORY)
    return path


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """What time it is: six hours after the second night, until a test says otherwise."""
    moment = [night(1).started + timedelta(hours=6)]
    monkeypatch.setattr("deploy.cli.report.datetime", SimpleNamespace(now=lambda _: moment[0]))
    return moment


def shown(inventory: Path, *options: str) -> Result:
    return CliRunner().invoke(
        report, [str(inventory), *options], catch_exceptions=False, standalone_mode=False
    )


def test_without_a_run_it_says_what_makes_one(inventory: Path) -> None:
    with pytest.raises(InventoryError) as caught:
        shown(inventory)

    assert str(caught.value) == (
        f"there is no report in {paths.reports('homelab')} yet; slipway drift {inventory} makes one"
    )


def test_a_plugin_does_not_know_a_cluster_that_no_run_has_looked_at(inventory: Path) -> None:
    plugin = shown(inventory, "-o", "nagios")

    assert plugin.return_value == 3
    assert plugin.output == (
        f"SLIPWAY UNKNOWN - homelab drift: there is no report in {paths.reports('homelab')} yet; "
        f"slipway drift {inventory} makes one\n"
    )


def test_the_last_night_is_shown_with_those_before_it(inventory: Path) -> None:
    first = compared(night(0), None)
    for each in (first, compared(night(1, SWAP), first)):
        history.save(paths.reports("homelab"), each)

    plugin = shown(inventory, "-o", "nagios")
    assert plugin.output.startswith("SLIPWAY CRITICAL - homelab drift: 1 error")
    assert (plugin.return_value, shown(inventory).return_value) == (2, 0)
    data = json.loads(shown(inventory, "-o", "json").output)
    assert data["run"] == "20261102T031700Z-0000"
    assert {"check": "HOST-03", "host": "w1", "verdicts": ["pass", "error"]} in data["history"]["stood"]
    assert "| √× |" in shown(inventory, "-o", "md").output
    assert 'aria-label="last 2 runs: pass, error"' in shown(inventory, "-o", "html").output


@pytest.mark.parametrize("output", ["text", "short", "md"])
def test_people_are_told_when_the_run_was(inventory: Path, output: str) -> None:
    history.save(paths.reports("homelab"), night(1))

    lines = shown(inventory, "-o", output).output.splitlines()

    assert lines[:2] == ["drift of homelab, 2026-11-02 03:17 UTC, 6 hours ago", ""]


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (119, "119 minutes"),
        (120, "2 hours"),
        (2879, "47 hours"),
        (2880, "2 days"),
    ],
)
def test_an_age_is_said_in_a_unit_that_tells_one_from_another(minutes: int, said: str) -> None:
    assert ago(night(0), night(0).started + timedelta(minutes=minutes)) == f"{said} ago"


def test_a_plugin_does_not_know_what_nobody_has_looked_at_since_two_nights(
    inventory: Path, now: list[datetime]
) -> None:
    now[0] = night(1).started + timedelta(hours=27)
    for each in (night(1), replace(night(1), verb="verify")):
        history.save(paths.reports("homelab"), each)

    late = shown(inventory, "-o", "nagios")

    assert late.return_value == 3
    assert late.output == (
        "SLIPWAY UNKNOWN - homelab drift: last run 27 hours ago, wanted one in <= 26 hours; "
        "it said: 2 passed\n"
    )
    assert shown(inventory, "-o", "nagios", "--verb", "verify").return_value == 0  # which no timer is to run


def test_a_report_that_began_later_than_now_is_left_out_and_named(inventory: Path) -> None:
    directory = paths.reports("homelab")
    for number in (0, 2):
        history.save(directory, night(number))

    done = shown(inventory, "-o", "json")

    assert json.loads(done.stdout)["run"] == night(0).run
    assert done.stderr == (
        f"{directory}: 1 drift report left out that began later than now, 2026-11-02 09:17 UTC, up to "
        f"{night(2).run}.drift.json: this machine's clock was ahead then, or is behind now. "
        "Set it, and remove them if they are still to come.\n"
    )


def test_a_report_is_for_its_owner_only(inventory: Path) -> None:
    path = history.save(paths.reports("homelab"), night(0))

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
