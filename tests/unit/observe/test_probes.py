from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from deploy.observe.pairs import UnreadableError
from deploy.observe.probes import Probed, parse

PROBE = Path(__file__).parents[3] / "files/preflight/probe.py"


def test_what_a_probe_found_is_read() -> None:
    text = (
        "mesh cp1 tcp ok\nmesh cp1 udp busy\nmesh cp1 mtu no\nran mesh\n"
        "arp 10.0.0.9 aa:bb:cc:00:00:01\nran arp\n"
        "fsync 1.250\nfsync 0.750\nran fsync\nfailed speed curl http://m/x: 404 0 0.01\n"
    )

    assert parse(text) == Probed(
        fsync=(1.25, 0.75),
        mesh={"cp1": {"tcp": True, "mtu": False}},
        arp={IPv4Address("10.0.0.9"): "aa:bb:cc:00:00:01"},
        speed=None,
        failures={"speed": "curl http://m/x: 404 0 0.01"},
    )


def test_a_probe_that_was_cut_off_is_not_a_result() -> None:
    assert parse("ran mesh\nfsync 1.0\nfsync 2.0").fsync is None


def test_a_silent_probe_could_not_be_read() -> None:
    with pytest.raises(UnreadableError) as caught:
        parse("")

    assert str(caught.value) == "the probe said nothing"


def test_the_probe_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    asked = {
        "address": "127.0.0.1", "interface": "lo", "peers": {"self": "127.0.0.1"}, "tcp": 45813, "udp": 45814,
        "seconds": 1, "mtu": 1500, "directory": str(tmp_path / "etcd"), "arp": [], "url": None,
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, str(PROBE), repr(asked)], capture_output=True, text=True, check=True, timeout=60
    )
    found = parse(done.stdout)

    assert found.mesh == {"self": {"tcp": True, "udp": True, "mtu": True}}
    assert found.fsync is not None
    assert len(found.fsync) > 0
    assert found.failures == {}
    assert list(tmp_path.iterdir()) == []


def test_one_probe_that_fails_stops_no_other() -> None:
    asked = {
        "address": "192.0.2.77", "interface": "lo", "peers": {}, "tcp": 45815, "udp": 45816,
        "seconds": 1, "mtu": 1500, "directory": "/proc/version/x", "arp": [], "url": None,
    }  # fmt: skip

    done = subprocess.run(
        [sys.executable, str(PROBE), repr(asked)], capture_output=True, text=True, check=True, timeout=60
    )

    assert sorted(parse(done.stdout).failures or {}) == ["fsync", "mesh"]
