"""A night after a fault finds it, under its id, with nothing beside it; the table of faults drives this."""

from __future__ import annotations

import time
from collections.abc import Collection

import pytest

from deploy.lab.faults import faults
from tests.lab.core.nights import BATCHES, NODES, UNTOLD, WITH, found, lone, named, right, told
from tests.lab.site import OWN_CACHE, Site, settled, until

# who leads something loses its lease over these, and starts anew
RESTARTING = {"api-server-stopped", "etcd-edited"}


def make(core: Site, names: Collection[str]) -> None:
    for name in names:
        core.on(NODES[faults()[name].host][0], faults()[name].made)
    time.sleep(max(faults()[name].settles for name in names))
    if "api-server-stopped" not in names:
        answers(core)


def answers(core: Site) -> None:
    """Wait until the API server answers; what restarts etcd takes it away for a while."""
    up = ["sh", "-c", f"{OWN_CACHE} --request-timeout=2s get --raw /readyz"]
    until(lambda: core.lab.exec("n1", up, check=False).returncode == 0, 300, "the API server")


def mend(core: Site, names: Collection[str]) -> None:
    for name in names:
        if (script := faults()[name].mended) is not None:
            core.on(NODES[faults()[name].host][0], script)
    if RESTARTING & {*names}:
        settled(core)


def test_every_fault_of_the_table_is_in_a_batch() -> None:
    of_such_a_cluster = [name for name, each in faults().items() if not each.gpus]

    assert sorted(name for names in BATCHES.values() for name in names) == sorted(of_such_a_cluster)


def test_a_fresh_cluster_has_not_drifted(core: Site) -> None:
    core.data["nodes"][1] |= {"labels": {"tier": "test"}, "taints": []}
    core.write()
    core.ok("apply", "--yes")

    report = core.night(0)

    assert found(report) == set()


# the others take CI's time twice over
DAILY = ("hosts, now", "runtime and kubelet", "objects")
CASES = [pytest.param(name, marks=[] if name in DAILY else [pytest.mark.trial]) for name in BATCHES]


@pytest.mark.parametrize("batch", CASES)
def test_each_fault_is_found_and_nothing_else_and_is_gone_when_mended(core: Site, batch: str) -> None:
    names = BATCHES[batch]
    try:
        make(core, names)
        report = core.night(*((6,) if "host-key-changed" in names else (3, 5)))
    finally:
        mend(core, names)

    core.ok("apply", "--yes")
    after = core.night(0)

    seen = found(report)
    for name in names:
        assert right(report, faults()[name]), f"{name}: {told(report, faults()[name])} of {seen}"
    own = set().union(*(named(faults()[name]) for name in names))
    allowed = own.union(*(WITH.get(name, set()) for name in names))
    assert seen <= allowed
    assert lone(report) <= own
    gone = {(each["check"].partition(" | ")[0], each["host"]) for each in after["gone"]}
    for name in names:
        assert named(faults()[name]) & gone, f"{name} is not gone: {gone}"


def test_drift_that_somebody_accepts_is_shown_and_ends_with_zero(core: Site) -> None:
    accepted = {
        "plan": "baseline | Cap the journal",
        "host": "w1",
        "reason": "later",
        "expires": "2999-12-31",
    }
    core.data["drift_ignore"] = [accepted]
    core.write()
    try:
        make(core, ["journal-limit"])
        report = core.night(0)
    finally:
        del core.data["drift_ignore"]
        core.write()
        core.ok("apply", "--yes")

    told = [(row["host"], row["ignored"]) for row in report["rows"] if row["state"] != "none"]
    assert told == [("w1", "later (until 2999-12-31)")]


def test_without_the_api_server_hosts_are_judged_and_the_rest_is_unavailable(core: Site) -> None:
    core.on("n1", "mv /etc/kubernetes/manifests/kube-apiserver.yaml /etc/kubernetes/")
    try:
        until(lambda: not core.on("n1", "pgrep -x kube-apiserver", check=False), 180, "the API server's end")
        core.on("n2", "touch /run/reboot-required")
        report = core.night(3)
    finally:
        core.on("n1", "mv /etc/kubernetes/kube-apiserver.yaml /etc/kubernetes/manifests/")
        core.on("n2", "rm -f /run/reboot-required")
    settled(core)
    # whoever watches the API, as DNS and MetalLB do, is back within a minute at most
    core.ok("verify", "--wait", "120")

    by_status = {(each["check"], each["host"]): each["status"] for each in report["findings"]}
    assert by_status["HOST-24", "w1"] == "fail"
    assert by_status["HOST-07", "w1"] == "pass"
    assert by_status["K8S-14", None] == "fail"
    assert {each: by_status.get(each) for each in UNTOLD} == dict.fromkeys(UNTOLD, "unavailable")


def test_a_host_that_is_away_is_named_and_the_others_are_judged(core: Site) -> None:
    core.on("n2", "systemctl stop ssh sshd 2>/dev/null; pkill -o sshd || true")
    try:
        report = core.night(6)
    finally:
        core.on("n2", "systemctl start ssh 2>/dev/null || systemctl start sshd")

    assert list(report["unreachable"]) == ["w1"]
    assert ("HOST-00", "w1") in found(report)
    assert any(each["host"] == "cp1" and each["status"] == "pass" for each in report["findings"])
