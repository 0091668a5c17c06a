"""`kill -9` of an apply anywhere, a host that reboots in the middle: a plain re-run ends verified.

Every case starts from bare hosts. The time that each took is printed.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from deploy.lab import Lab
from tests.lab.conftest import KEEP, running
from tests.lab.site import Site, site, until

SEED = int(os.environ.get("SLIPWAY_KILL_SEED", random.SystemRandom().randrange(10_000)))
WHOLE = 45.0  # seconds that an install takes here, roughly: the range of the random points


@dataclass(frozen=True)
class Point:
    """A moment of an install: a shell test that holds on a host of the lab when it has come."""

    host: str
    reached: str


POINTS = {
    "a download": Point("n1", "ls /usr/local/bin/*.part"),
    "containerd's start": Point(
        "n2", "systemctl is-active containerd || [ -S /run/containerd/containerd.sock ]"
    ),
    "kubeadm init": Point("n1", "[ -e /etc/kubernetes/pki/ca.crt ] && [ ! -e /etc/kubernetes/admin.conf ]"),
    "the control plane's first answer": Point("n1", "[ -d /var/lib/etcd/member ]"),
    "join": Point("n2", "[ -e /var/lib/kubelet/config.yaml ] || [ -e /etc/kubernetes/pki/ca.crt ]"),
    "a Helm install": Point("n1", "pgrep -x helm"),
}


@pytest.fixture(scope="module")
def doomed() -> Iterator[Lab]:
    """Two hosts that every case gets bare."""
    yield from running("test-killed", 22, 2)


@pytest.fixture
def bare(doomed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The two hosts as they were first made."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(doomed.remove, doomed.nodes))
    doomed.hosts_up()
    made = site(
        doomed,
        "test-killed",
        tmp_path_factory.mktemp("killed"),
        [("n1", "cp1", "control-plane"), ("n2", "w1", "worker")],
    )
    yield made
    if KEEP not in os.environ:
        made.forget()


def killed(made: Site, when: Callable[[], bool], what: str) -> None:
    """Start an apply and kill it, and all that it started here, when a moment has come."""
    run = made.start("apply", "--yes")
    try:
        until(lambda: when() or run.poll() is not None, 200, what, every=0.05)
        assert run.poll() is None, f"the install ended before {what} was seen:\n{run.communicate()[0]}"
    finally:
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def converges(made: Site, label: str, started: float) -> None:
    """Run apply again, plainly; the cluster is verified by it, and there is nothing left to do."""
    made.ok("apply", "--yes")
    assert made.plan(code=0) == []
    print(f"\ninterrupted at {label}: {time.monotonic() - started:.0f} s in all")  # noqa: T201


@pytest.mark.parametrize("name", POINTS)
def test_killed_at_a_named_point_a_plain_rerun_converges(bare: Site, name: str) -> None:
    started, point = time.monotonic(), POINTS[name]

    def reached() -> bool:
        return bare.lab.exec(point.host, ["sh", "-c", point.reached], check=False).returncode == 0

    killed(bare, reached, name)

    converges(bare, name, started)


@pytest.mark.parametrize("number", range(2))
def test_killed_at_a_random_point_a_plain_rerun_converges(bare: Site, number: int) -> None:
    after = random.Random(SEED + number).uniform(2, WHOLE)  # noqa: S311 - a point in time, no secret
    started = time.monotonic()

    killed(bare, lambda: time.monotonic() - started > after, f"second {after:.1f} (seed {SEED})")

    converges(bare, f"second {after:.1f} (seed {SEED})", started)


def test_a_host_that_reboots_in_the_middle_is_brought_in_by_a_rerun(bare: Site) -> None:
    started = time.monotonic()
    run = bare.start("apply", "--yes")
    until(
        lambda: bare.on("n1", "test -e /etc/kubernetes/pki/ca.crt && echo yes", check=False) == "yes",
        200,
        "the control plane's certificates",
    )
    bare.lab.restart("n1")
    said, _ = run.communicate(timeout=300)
    assert run.returncode != 0, said

    converges(bare, "a reboot of cp1", started)


def test_killed_between_a_change_of_configuration_and_the_restart_the_restart_still_comes(
    bare: Site,
) -> None:
    started = time.monotonic()
    bare.ok("apply", "--yes")
    before = bare.on("n2", "systemctl show -p InvocationID --value containerd")
    bare.data["containerd"] = {**bare.data["containerd"], "restrict_oom_score_adj": False}
    bare.data["containerd"]["limits"] = {"nofile": 19000, "nproc": 4000}
    bare.write()

    killed(
        bare,
        lambda: bare.on(
            "n2",
            "grep -c nofile=19000 -i /dev/null; grep -c 'LimitNOFILE=19000' "
            "/etc/systemd/system/containerd.service",
            check=False,
        ).endswith("1"),
        "the new unit file",
    )
    bare.data["containerd"]["restrict_oom_score_adj"] = True
    bare.write()

    converges(bare, "the moment before a restart", started)
    assert bare.on("n2", "systemctl show -p InvocationID --value containerd") != before
