"""One cgroup driver: what containerd is told, and what the kubelet runs with."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from checks.cluster.snapshot import Answer, Snapshot
from checks.collect.observed import Observed, Trouble
from checks.drift.cgroups import drivers
from checks.finding import Status
from deploy.observe import runtime
from tests.unit.checks.machines import cluster, everyone

CONFIG = """
version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = {on}
"""
CLUSTER = cluster()


def configured(text: str) -> Observed:
    """Return w1 with this configuration of containerd, as a host tells it."""
    encoded = base64.b64encode(text.encode()).decode()
    return replace(everyone()[1], runtime=runtime.parse(f"version=containerd v2.3.7\nconfig={encoded}"))


def kubelet(driver: str | None) -> Snapshot:
    settings = {} if driver is None else {"cgroupDriver": driver}
    answer = Answer(json.dumps({"kubeletconfig": settings}), cause="")
    return Snapshot({}, {node.name: answer for node in CLUSTER.nodes})


def said(seen: Snapshot, *hosts: Observed) -> tuple[Status, str]:
    [finding] = [each for each in drivers(CLUSTER, seen, hosts) if each.host == "w1"]
    assert finding.check == "RT-02"
    return finding.status, finding.found


@pytest.mark.parametrize(
    ("config", "driver", "status", "found"),
    [
        (CONFIG.format(on="true"), "systemd", Status.PASS, "systemd in containerd, systemd in the kubelet"),
        (CONFIG.format(on="false"), "systemd", Status.FAIL, "cgroupfs in containerd, systemd in the kubelet"),
        ("version = 3", "systemd", Status.FAIL, "cgroupfs in containerd, systemd in the kubelet"),
        (CONFIG.format(on="true"), "cgroupfs", Status.FAIL, "systemd in containerd, cgroupfs in the kubelet"),
        (
            "no TOML",
            "systemd",
            Status.UNAVAILABLE,
            "there is no configuration of containerd that could be read (RT-03)",
        ),
        (
            CONFIG.format(on="true"),
            None,
            Status.UNAVAILABLE,
            "its kubelet does not say (K8S-04): no cgroupDriver",
        ),
    ],
)
def test_both_have_one_driver(config: str, driver: str | None, status: Status, found: str) -> None:
    assert said(kubelet(driver), configured(config)) == (status, found)


def test_a_host_that_was_not_read_is_not_judged() -> None:
    blind = Observed(host="w1", causes={"runtime": "no answer in time"})
    away = Observed(host="w1", trouble=Trouble("w1: connection refused"))

    assert said(kubelet("systemd"), blind) == (Status.UNAVAILABLE, "runtime: no answer in time")
    assert said(kubelet("systemd"), away) == (Status.UNAVAILABLE, "runtime: the host could not be read")
    assert said(kubelet("systemd")) == (Status.UNAVAILABLE, "runtime: it was not read")


def test_a_kubelet_that_is_not_asked_has_its_cause() -> None:
    silent = Snapshot({}, {node.name: Answer(cause="the API is away") for node in CLUSTER.nodes})

    assert said(silent, configured(CONFIG.format(on="true"))) == (
        Status.UNAVAILABLE,
        "its kubelet does not say (K8S-04): the API is away",
    )


def test_k3s_sees_to_both_by_itself() -> None:
    k3s = cluster(kubernetes={"distribution": "k3s", "version": "v1.36.3+k3s1"})

    assert list(drivers(k3s, kubelet("systemd"), everyone())) == []
