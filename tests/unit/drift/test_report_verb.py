"""`slipway report`: the last whole run again, whatever its format."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from test_compare import SWAP, night

from checks.drift.compare import compared
from checks.report import history
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


def test_the_last_night_is_shown_with_those_before_it(inventory: Path) -> None:
    first = compared(night(0), None)
    for each in (first, compared(night(1, SWAP), first)):
        history.save(paths.reports("homelab"), each)

    plugin = shown(inventory, "-o", "nagios")
    assert plugin.output.startswith("SLIPWAY CRITICAL - homelab drift: 1 error")
    assert (plugin.return_value, shown(inventory).return_value) == (2, 0)
    assert json.loads(shown(inventory, "-o", "json").output)["run"] == "20261102T031700Z-0000"
    assert 'aria-label="last 2 runs: pass, error"' in shown(inventory, "-o", "html").output


def test_a_report_that_began_later_than_now_is_left_out_and_named(inventory: Path) -> None:
    directory = paths.reports("homelab")
    history.save(directory, night(0))
    history.save(directory, night(999_999))

    done = shown(inventory, "-o", "json")

    assert json.loads(done.stdout)["run"] == night(0).run
    assert re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "NOW", done.stderr) == (
        f"{directory}: 1 drift report left out that began later than now, NOW UTC, up to "
        f"{night(999_999).run}.drift.json: this machine's clock was ahead then, or is behind now. "
        "Set it, and remove them if they are still to come.\n"
    )


def test_a_report_is_for_its_owner_only(inventory: Path) -> None:
    path = history.save(paths.reports("homelab"), night(0))

    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
