"""Waiting for a unit: run by a real shell, with a systemctl that says what it is told to."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deploy.operations import transient


def waited(directory: Path, *states: str, system: str = "degraded") -> subprocess.CompletedProcess[str]:
    """Wait for a unit that is in these states one after the other, the last one for ever."""
    (directory / "system").write_text(system)
    for number, state in enumerate(states, 1):
        (directory / f"{number}").write_text(state)
    programs = {
        "systemctl": f"""[ "$1" = show ] || {{ cat {directory}/system; exit 1; }}
n=$(($(cat {directory}/asked 2>/dev/null || echo 0) + 1))
echo $n > {directory}/asked
[ $n -lt {len(states)} ] || n={len(states)}; cat {directory}/$n""",
        "journalctl": "echo the last word",
        "sleep": "exit 0",
    }
    for name, text in programs.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    path = {"PATH": f"{directory}:{os.environ['PATH']}"}
    return subprocess.run(
        ["sh", "-euc", transient.awaited("x.service")], env=path, capture_output=True, text=True, check=False
    )


def test_a_unit_that_ends_well_is_waited_for(tmp_path: Path) -> None:
    assert waited(tmp_path, "activating", "active", "inactive").returncode == 0
    assert (tmp_path / "asked").read_text() == "3\n"


def test_a_unit_that_fails_leaves_its_last_words(tmp_path: Path) -> None:
    failed = waited(tmp_path, "active", "failed")

    assert failed.returncode == 1
    assert failed.stderr == "x.service failed; its last words:\nthe last word\n"


def test_a_systemd_that_is_silent_for_a_moment_is_asked_again(tmp_path: Path) -> None:
    assert waited(tmp_path, "active", "", "", "active", "inactive").returncode == 0
    assert (tmp_path / "asked").read_text() == "5\n"


def test_a_systemd_that_stays_silent_is_an_error_not_the_end_of_the_unit(tmp_path: Path) -> None:
    silent = waited(tmp_path, "active", "")

    assert (silent.returncode, silent.stderr) == (
        1,
        "systemd does not say what became of x.service; journalctl -u x.service shows it\n",
    )


def test_a_unit_that_its_host_takes_down_with_itself_has_not_ended_well(tmp_path: Path) -> None:
    assert waited(tmp_path, "active", "inactive", system="stopping").returncode == 1
