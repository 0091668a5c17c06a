from __future__ import annotations

from ipaddress import IPv4Network

from deploy import catalog
from deploy.lab.lab import Lab, numbers


def test_a_labs_lock_is_written_for_every_inventory_that_pulls_from_it() -> None:
    assert [path.name for path in Lab().inventories()] == ["lab-ssh.yaml", "lab.yaml"]
    assert Lab("other", IPv4Network("10.89.99.0/24")).inventories() == []


def test_a_lab_serves_the_catalogues_default_version_unless_asked_otherwise() -> None:
    assert Lab().kubernetes == (catalog.load().kubernetes.default,)
    assert Lab(versions=("v1.35.4",)).kubernetes == ("v1.35.4",)


def test_servers_are_not_taken_for_hosts() -> None:
    assert numbers(["slipway-lab-n1", "slipway-lab-mirror", "slipway-lab-n12", "slipway-lab-registry"]) == [
        1,
        12,
    ]
