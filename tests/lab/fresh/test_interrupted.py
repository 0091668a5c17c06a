"""`kill -9` of an apply anywhere, a host that reboots in the middle: a plain re-run ends verified.

Every case starts from bare hosts; the random points come from a seed that a failure names. They are counted
in commands on the hosts, as the run's log has them: a fast machine is done before a slow one has begun.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from deploy.lab import Lab
from deploy.model import paths
from tests.lab.conftest import KEEP, running
from tests.lab.core.test_10_installed import invocation
from tests.lab.site import Site, site, until

SEED = int(os.environ.get("SLIPWAY_KILL_SEED", random.SystemRandom().randrange(10_000)))
COMMANDS = 60, 280  # the range of the random points: a plan of two bare hosts takes fewer, an install 290
COMMAND = re.compile(r"^\S+ I \[\w+\] [\d.]+s rc=", re.MULTILINE)
GENERATORS = "/etc/systemd/system-generators"
INSTALL = 900.0  # seconds within which a point must have come, on a busy one


@dataclass(frozen=True)
class Point:
    """A moment of an install: a shell test that holds on a host of the lab when it has come."""

    host: str
    reached: str


def during(unit: str) -> str:
    """Return the test that a transient unit is at work."""
    return f'[ "$(systemctl is-active {unit})" = activating ] || systemctl -q is-active {unit}'


POINTS = {
    "containerd's start": Point("n2", "[ -e /etc/systemd/system/containerd.service ]"),
    "image import": Point("n1", during("slipway-images.service")),
    "kubeadm init": Point("n1", during("slipway-kubeadm-init.service")),
    "the control plane's first files": Point("n1", "[ -e /etc/kubernetes/manifests/etcd.yaml ]"),
    "join": Point("n2", during("slipway-kubeadm-join.service")),
    "a Helm install": Point("n1", "pgrep -x helm >/dev/null"),
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


def watching(made: Site, point: Point) -> subprocess.Popen[bytes]:
    """Start what ends as soon as a point is reached: it looks on the host itself, fifty times a second."""
    container = made.lab.layout.container(point.host)
    loop = f"until {{ {point.reached}; }} 2>/dev/null; do sleep 0.02; done"
    return subprocess.Popen(["podman", "exec", container, "timeout", f"{INSTALL:.0f}", "sh", "-c", loop])


@contextmanager
def applying(made: Site, come: Callable[[], bool], what: str) -> Iterator[subprocess.Popen[str]]:
    """Start an apply, and go on when a moment of it has come; in the end it is killed."""
    with made.running("apply", "--yes") as run:
        until(lambda: come() or run.poll() is not None, INSTALL, what, every=0.02)
        assert run.poll() is None, f"the apply ended before {what} was seen:\n{run.communicate()[0]}"
        yield run


def killed(made: Site, come: Callable[[], bool], what: str) -> None:
    """Start an apply, and kill it when a moment has come."""
    with applying(made, come, what):
        pass


def commands(made: Site) -> int:
    """Return how many commands on hosts have ended since the hosts were bare."""
    logs = paths.logs(made.name).glob("*.log")
    return sum(len(COMMAND.findall(log.read_text(errors="replace"))) for log in logs)


@contextmanager
def applying_to(made: Site, point: Point, what: str) -> Iterator[subprocess.Popen[str]]:
    """Start an apply, and go on when a host has come to a point."""
    watch = watching(made, point)
    try:
        with applying(made, lambda: watch.poll() is not None, what) as run:
            assert watch.poll() == 0, f"{what} was not seen"
            yield run
    finally:
        watch.kill()
        watch.wait()


def killed_at(made: Site, point: Point, what: str) -> None:
    """Start an apply, and kill it when a host has come to a point."""
    with applying_to(made, point, what):
        pass


def converges(made: Site, what: str) -> None:
    """Run apply again, plainly: it verifies the cluster, and then there is nothing left to do."""
    done = made.slipway("apply", "--yes")
    assert done.returncode == 0, f"after {what}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert made.plan(code=0) == [], what


@pytest.mark.parametrize("name", POINTS)
def test_killed_at_a_named_point_a_plain_rerun_converges(bare: Site, name: str) -> None:
    killed_at(bare, POINTS[name], name)

    converges(bare, f"a kill at {name}")


@pytest.mark.parametrize("number", range(2))
def test_killed_at_a_random_point_a_plain_rerun_converges(bare: Site, number: int) -> None:
    after = random.Random(SEED + number).randint(*COMMANDS)  # noqa: S311 - a point of a run, no secret
    what = f"a kill after {after} commands (SLIPWAY_KILL_SEED={SEED})"

    killed(bare, lambda: commands(bare) >= after, what)

    converges(bare, what)


REBOOTS = {
    "the control plane's first files": POINTS["the control plane's first files"],
    # kubeadm's next step would be the first that the API server answers
    "the control plane's last file": Point("n1", "[ -e /var/lib/kubelet/config.yaml ]"),
}


@pytest.mark.parametrize("name", REBOOTS)
def test_a_host_that_reboots_in_the_middle_is_brought_in_by_a_rerun(bare: Site, name: str) -> None:
    with applying_to(bare, REBOOTS[name], name) as run:
        bare.lab.restart("n1")
        said, _ = run.communicate(timeout=300)
    assert run.returncode == 6, said
    assert "cp1: the connection was lost" in said, said

    converges(bare, f"a reboot of cp1 after {name}")


def test_killed_between_a_change_and_its_restart_the_restart_still_comes(bare: Site) -> None:
    bare.ok("apply", "--yes")
    before = invocation(bare, "n2", "containerd")
    # systemd reads its units anew only when this ends, and is asked to before the restart
    held, slow = "/run/held", f"{GENERATORS}/slow"
    made = f"printf '#!/bin/sh\\nwhile [ -e {held} ]; do sleep 0.1; done\\n' > {slow}; chmod +x {slow}"
    bare.on("n2", f"mkdir -p {GENERATORS}; touch {held}; {made}")
    bare.data["containerd"]["limits"] = {"nofile": 19000, "nproc": 4096}
    bare.write()
    unit = "/etc/systemd/system/containerd.service"

    killed_at(bare, Point("n2", f"grep -q LimitNOFILE=19000 {unit}"), "the new unit file")

    bare.on("n2", f"rm {slow} {held}")
    written = bare.on("n2", f"stat -c %y {unit}")
    assert invocation(bare, "n2", "containerd") == before
    converges(bare, "a kill between a change and its restart")
    assert bare.on("n2", f"stat -c %y {unit}") == written
    assert invocation(bare, "n2", "containerd") != before
