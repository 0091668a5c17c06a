"""Hosts that are half made, and hosts that never come up; podman is a program that notes what it is asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deploy.lab import hosts, keys
from deploy.lab.errors import LabError
from deploy.lab.lab import Lab
from deploy.lab.layout import Layout


class Podman:
    """A podman that answers every call with one text, and the calls it got."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def answers(self, text: str) -> None:
        (self.directory / "answer").write_text(text)
        program = self.directory / "podman"
        program.write_text(f'#!/bin/sh\necho "$*" >> {self.directory}/calls\ncat {self.directory}/answer\n')
        program.chmod(0o755)

    def fails(self, verb: str, times: int) -> None:
        """Fail so many times at a verb."""
        program = self.directory / "podman"
        calls = self.directory / "calls"
        program.write_text(
            f'#!/bin/sh\necho "$*" >> {calls}\n[ "$(grep -c ^{verb} {calls})" -gt {times} ] || exit 2\n'
        )
        program.chmod(0o755)

    def holds(self, container: str, failures: int) -> None:
        """Have a container, whose removal fails so many times."""
        (self.directory / "held").write_text(container)
        program = self.directory / "podman"
        program.write_text(
            f"""#!/bin/sh
echo "$*" >> {self.directory}/calls
case "$1" in
  ps) cat {self.directory}/held ;;
  rm) [ "$(grep -c ^rm {self.directory}/calls)" -gt {failures} ] || exit 2; : > {self.directory}/held ;;
esac
"""
        )
        program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        return (self.directory / "calls").read_text().splitlines()


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Podman:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Podman(tmp_path)
    made.answers("")
    return made


def test_what_is_left_of_a_host_is_taken_away_before_it_is_made(podman: Podman, tmp_path: Path) -> None:
    login = keys.made(tmp_path / "login", "test")
    podman.holds("slipway-lab-n1", failures=1)

    hosts.create(Layout(), "n1", "image", login)

    looked = "ps --all --filter=name=^slipway-lab-n1$ --format={{.Names}}"
    removed = "rm --force --time=0 slipway-lab-n1"
    volumes = [f"slipway-lab-n1-{name}" for name in ("containerd", "kubelet", "etcd", "rancher")]
    assert podman.calls[:10] == [
        *(looked, removed, looked, removed, looked),
        f"volume rm --force {' '.join(volumes)}",
        *(f"volume create --label=slipway.lab=lab {volume}" for volume in volumes),
    ]
    assert podman.calls[10].startswith("--runtime=runc create --name=slipway-lab-n1 ")
    assert podman.calls[11:] == ["cp - slipway-lab-n1:/"]


def test_a_container_that_podman_cannot_remove_is_named(podman: Podman) -> None:
    podman.holds("slipway-lab-n1", failures=9)

    with pytest.raises(LabError) as failed:
        hosts.remove(Layout(), "n1")

    assert str(failed.value) == (
        "podman could not remove the containers slipway-lab-n1; try again, and look at `podman ps --all`"
    )


@pytest.mark.parametrize(("failures", "asked"), [(0, 1), (1, 2)])
def test_a_host_that_ends_just_before_it_is_killed_is_stopped(
    podman: Podman, failures: int, asked: int
) -> None:
    podman.fails("stop", failures)

    Lab().stop("n1")

    assert podman.calls == ["stop --time=20 slipway-lab-n1"] * asked


def test_a_host_that_podman_cannot_stop_is_named(podman: Podman) -> None:
    podman.fails("stop", 9)

    with pytest.raises(LabError, match="podman stop --time=20 slipway-lab-n1 ended with status 2"):
        Lab().stop("n1")


def test_a_host_that_was_made_and_never_started_is_made_anew(podman: Podman) -> None:
    states = {"n1": "running", "n2": "exited", "n3": "created", "mirror": "created"}
    listed = [f'{{"Names": ["slipway-lab-{name}"], "State": "{state}"}}' for name, state in states.items()]
    podman.answers(f"[{', '.join(listed)}]")

    assert Lab(count=4).absent() == ["n3", "n4"]


def test_a_systemd_that_never_answers_is_not_waited_for_without_end(
    podman: Podman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosts, "BOOT_SECONDS", 0.3)
    podman.answers("starting")

    with pytest.raises(LabError) as late:
        hosts.await_boot(Layout(), "n1")

    assert str(late.value) == (
        "the host n1 has not booted in 0.3 s (systemd says: starting). Look: podman logs slipway-lab-n1"
    )
    assert podman.calls[0] == (
        "exec --interactive slipway-lab-n1 timeout --kill-after=5 1 systemctl is-system-running --wait"
    )
