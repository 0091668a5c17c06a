"""An active verify proves the cluster's paths, and nothing of it stays, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.lab.layout import REGISTRY_HOST
from tests.lab.site import OWN_CACHE, Site, until

HOSTS = ("n1", "n2")


def test_a_verify_proves_paths_and_removes_what_it_made(core: Site) -> None:
    core.ok("verify", "--wait", "120", "--passive")
    report = json.loads(core.ok("verify", "-o", "json"))

    proven = {each["check"] for each in report["findings"] if each["status"] == "pass"}
    assert {"HOST-18", "K8S-06", "K8S-15", "K8S-16", "LB-04", "RT-12"} <= proven
    until(lambda: not namespaces(core), 180, "the end of the namespace")


def namespaces(core: Site) -> str:
    return core.on("n1", f"{OWN_CACHE} get namespaces -o name -l app.kubernetes.io/component=verify")


@contextmanager
def verifying(core: Site) -> Iterator[subprocess.Popen[str]]:
    """Start a verify that does not end by itself: its pods are there, and their image is not to be had."""
    registry = core.lab.subnet[REGISTRY_HOST]
    for host in HOSTS:
        core.on(host, f"ip route add blackhole {registry}")
    try:
        with core.running("verify") as run:
            until(lambda: bool(namespaces(core)) or run.poll() is not None, 180, "the namespace")
            yield run
    finally:
        for host in HOSTS:
            core.on(host, f"ip route del blackhole {registry}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_verify_leaves_nothing(core: Site, number: signal.Signals) -> None:
    with verifying(core) as run:
        run.send_signal(number)
        told, _ = run.communicate(timeout=120)

    assert (run.returncode, "Traceback" in told) == (130, False), told
    until(lambda: not namespaces(core), 180, "the end of the namespace")
    assert timers(core) == []


def timers(core: Site) -> list[str]:
    """Return the timers on the control plane that delete what a verify has made."""
    listed = core.on("n1", "systemctl list-units --plain --no-legend 'slipway-verify-*.timer'")
    return [line.split()[0] for line in listed.splitlines()]


def test_what_a_killed_verify_leaves_its_host_deletes(core: Site) -> None:
    with verifying(core):
        pass  # it is killed

    [timer] = timers(core)
    unit = timer.removesuffix(".timer")
    assert namespaces(core) == f"namespace/{unit}"
    assert "OnActiveUSec=15min" in core.on("n1", f"systemctl show -p TimersMonotonic {timer}")
    # a quarter of an hour later, as the timer would
    core.on("n1", f"systemctl start {unit}.service")
    until(lambda: not namespaces(core), 180, "the end of the namespace")
    core.on("n1", f"systemctl stop {timer}")
    assert timers(core) == []
    assert core.on("n1", "ls -d /.kube 2>/dev/null || true") == ""
