from __future__ import annotations

from pathlib import Path

import pytest

from deploy.model import paths


def test_everything_of_a_cluster_lies_in_its_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")

    assert {
        function.__name__: str(function("home"))
        for function in (
            paths.known_hosts,
            paths.run_lock,
            paths.logs,
            paths.reports,
            paths.told,
            paths.kubeconfig,
        )
    } == {
        "known_hosts": "/var/state/slipway/home/known_hosts",
        "run_lock": "/var/state/slipway/home/lock",
        "logs": "/var/state/slipway/home/logs",
        "reports": "/var/state/slipway/home/reports",
        "told": "/var/state/slipway/home/told.json",
        "kubeconfig": "/var/state/slipway/home/kubeconfig",
    }
    assert str(paths.lab_state("lab")) == "/var/state/slipway/labs/lab"


@pytest.mark.parametrize("unusable", ["", "relative/state"])
def test_a_base_directory_that_is_not_absolute_is_ignored(
    monkeypatch: pytest.MonkeyPatch, unusable: str
) -> None:
    monkeypatch.setenv("HOME", "/home/ops")
    monkeypatch.setenv("XDG_STATE_HOME", unusable)
    monkeypatch.setenv("XDG_CACHE_HOME", unusable)

    assert str(paths.state_home()) == "/home/ops/.local/state/slipway"
    assert str(paths.cache_home()) == "/home/ops/.cache/slipway"


def test_the_lock_file_lies_beside_the_inventory() -> None:
    assert paths.lock_file(Path("inventories/lab.yaml")) == Path("inventories/lab.lock.yaml")
