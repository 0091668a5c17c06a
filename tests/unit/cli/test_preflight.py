"""The verb itself: what is judged, what is kept, and what it exits with."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model import paths
from tests.unit.cli.called import slipway

SAVED = Path(__file__).parents[1] / "checks" / "lab-collection.json"


def test_hosts_that_do_not_answer_are_named_and_kept_in_the_history(
    inventory: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert slipway("preflight", inventory, "-o", "short") == 6

    assert "192.0.2.1" in capsys.readouterr().out
    assert len(list(paths.reports("test").iterdir())) == 1


def test_a_saved_collection_of_other_hosts_is_refused(
    inventory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(inventory.read_text().replace("cp1", "x1").replace("w1", "x2"))

    assert slipway("preflight", other, "--baseline", SAVED) == 2
    assert "none of them is in the inventory of test" in capsys.readouterr().err


def test_a_saved_collection_is_judged_without_a_host_and_not_kept(
    inventory: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert slipway("preflight", inventory, "--baseline", SAVED, "-o", "short") == 3

    assert "HOST-" in capsys.readouterr().out
    assert not paths.reports("test").exists()


def test_where_the_collection_is_to_be_saved_is_looked_for_before_a_host_is_asked(
    inventory: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "none"

    assert slipway("preflight", inventory, "--save", folder / "read.json") == 2

    assert capsys.readouterr().err == f"--save {folder}/read.json: there is no directory {folder}\n"
    assert not paths.logs("test").exists()
