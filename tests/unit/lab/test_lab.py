from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from deploy import catalog
from deploy.lab.lab import Lab, numbers
from deploy.lab.places import INVENTORIES


def test_a_labs_lock_is_written_for_every_inventory_that_pulls_from_it() -> None:
    assert [path.name for path in Lab().inventories()] == ["lab-ssh.yaml", "lab.yaml"]
    assert Lab("other", IPv4Network("10.89.99.0/24")).inventories() == []


def test_an_inventory_that_names_another_key_than_the_labs_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    assert Lab().misled() == []

    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert Lab().misled() == [
        f"{INVENTORIES / name}: ssh.key is ~/.local/state/slipway/labs/lab/id_ed25519, "
        "this lab's key is /var/state/slipway/labs/lab/id_ed25519; set ssh.key to that"
        for name in ("lab-ssh.yaml", "lab.yaml")
    ]


def test_a_lab_serves_the_catalogues_default_version_unless_asked_otherwise() -> None:
    assert Lab().kubernetes == (catalog.load().kubernetes.default,)
    assert Lab(versions=("v1.35.4",)).kubernetes == ("v1.35.4",)


def test_servers_are_not_taken_for_hosts() -> None:
    assert numbers(["slipway-lab-n1", "slipway-lab-mirror", "slipway-lab-n12", "slipway-lab-registry"]) == [
        1,
        12,
    ]
