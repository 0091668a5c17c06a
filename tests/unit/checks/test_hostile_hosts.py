"""The real collector on hosts that answer with rubbish, or that lack what every host has."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from checks.collect.observed import Observed, Window, observed
from checks.collect.script import Section, answers, script, whole
from checks.collect.sections import sections
from checks.finding import Finding, Status
from checks.preflight import preflight
from tests.unit.checks.machines import cluster

MARK = "@0123456789abcdef"
SHELLS = [shell for shell in (["dash"], ["busybox", "sh"]) if shutil.which(shell[0])]
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
FACTS = {each.name for each in sections(())}
IN_VAIN = "no answer in time", "the answer was longer than 64 KiB or broke off"
own_mounts = pytest.mark.skipif(
    os.geteuid() != 0
    or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0,
    reason="only root may cover up a part of the machine",
)
# what stands in for a program, and why nothing is read from it then
RUBBISH = {
    "binary": "head -c 20000 /dev/urandom",
    "ten megabytes in a line": "head -c 10000000 /dev/zero | tr '\\0' x",
    "hangs": "sleep 30",
    "fails": "exit 3",
    "says nothing": ":",
}
# facts that come from one program alone, and are unreadable without it
ALONE = {"ip": "network", "ss": "listeners", "df": "disks"}


@cache
def here() -> Observed:
    """This machine as it is."""
    return collected(["dash"], sections(()))[0]


def collected(
    shell: list[str], chosen: Sequence[Section], first: str = "", **environment: str
) -> tuple[Observed, list[Finding]]:
    """Run the collector as a host does, after some shell in a mount namespace of its own."""
    command = [*shell, "-c", script(chosen, MARK)]
    if first:
        command = ["unshare", "-m", "sh", "-ec", f'{first}\nexec "$@"', "sh", *command]
    done = subprocess.run(
        command, capture_output=True, timeout=60, check=True, env={"PATH": PATH, **environment}
    )
    text = done.stdout.decode(errors="replace")
    assert whole(text, MARK), text[-500:]
    found = observed("w1", answers(text, MARK), Window(0, 1))
    assert all(getattr(found, name) is not None or found.cause(name) for name in FACTS)
    return found, preflight(cluster(), [found])


def read(host: Observed) -> set[str]:
    return {name for name in FACTS if getattr(host, name) is not None}


def with_program(directory: Path, name: str, body: str) -> str:
    """Put a program before all others; return the PATH."""
    program = directory / name
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return f"{directory}:{PATH}"


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
@pytest.mark.parametrize("kind", RUBBISH)
def test_rubbish_from_a_program_spoils_what_is_read_by_it_only(
    tmp_path: Path, shell: list[str], kind: str
) -> None:
    for program in ALONE:
        path = with_program(tmp_path, program, RUBBISH[kind])

    chosen = [replace(each, seconds=1) if each.name in ALONE.values() else each for each in sections(())]
    host, findings = collected(shell, chosen, PATH=path)

    assert {name for name in ALONE.values() if getattr(host, name) is not None} == set()
    for name in ALONE.values():
        assert host.cause(name) in IN_VAIN or host.cause(name).startswith(
            ("not what was asked for", "the command that reads it failed with")
        )
    assert {"system", "sysctls", "swap", "packages", "security", "pci"} & read(here()) <= read(host)
    spoiled = {each.check: each for each in findings if each.host == "w1"}
    assert {spoiled[check].status for check in ("HOST-12", "HOST-16", "HOST-25")} == {Status.UNAVAILABLE}
    assert spoiled["HOST-16"].found == f"listeners: {host.cause('listeners')}"


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="this machine has no dpkg")
def test_packages_that_could_not_be_listed_are_not_taken_for_none(tmp_path: Path) -> None:
    path = with_program(tmp_path, "dpkg-query", "echo 'package kubelet 1.36 ii'; exit 2")

    host, findings = collected(["dash"], sections(()), PATH=path)

    assert host.packages is None
    [found] = [each for each in findings if (each.check, each.host) == ("HOST-23", "w1")]
    assert (found.status, found.found) == (Status.UNAVAILABLE, "packages: not what was asked for")


@own_mounts
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_full_disk_keeps_nothing_from_being_read(shell: list[str]) -> None:
    full = "for d in /tmp /var/tmp /run /dev/shm; do mount -t tmpfs -o size=4k full $d; done\n"
    full += "for d in /tmp /var/tmp /run /dev/shm; do head -c 8000 /dev/zero > $d/fill 2>/dev/null || :; done"

    host, _ = collected(shell, sections(()), full)

    assert read(host) == read(here())
    assert host.disks is not None
    assert {disk.path: disk.used for disk in host.disks.paths}["/tmp"] == 100


@own_mounts
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_read_only_root_keeps_nothing_from_being_read(shell: list[str]) -> None:
    read_only = "for d in / /tmp /run; do mount --bind $d $d; mount -o remount,ro,bind $d; done"

    host, _ = collected(shell, sections(()), read_only)

    assert read(host) == read(here())


@own_mounts
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_a_host_without_proc_is_not_said_to_be_without_swap(shell: list[str]) -> None:
    host, findings = collected(shell, sections(()), "mount -t tmpfs none /proc")

    ends = {each.check: each for each in findings if each.host == "w1"}
    assert host.swap is None
    for check in ("HOST-03", "HOST-04"):
        assert (ends[check].status, ends[check].found) == (
            Status.UNAVAILABLE, "swap: not what was asked for",
        )  # fmt: skip
    assert ends["HOST-10"].status is Status.UNAVAILABLE
    assert {each.status for each in findings} >= {Status.UNAVAILABLE}


@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_every_section_speaks_the_plain_language_whatever_the_hosts_is(
    shell: list[str], tmp_path: Path
) -> None:
    told = tmp_path / "told"
    german = {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8"}
    path = with_program(
        tmp_path, "date", f'echo "$LC_ALL $*" >> {shlex.quote(str(told))}; exec /bin/date "$@"'
    )

    host, _ = collected(shell, sections(()), PATH=path, **german)

    assert told.read_text().split() == ["C", "+%s.%N"]
    assert host.clock is not None
    assert host.disks is not None


@own_mounts
@pytest.mark.skipif(["busybox", "sh"] not in SHELLS, reason="this machine has no busybox")
def test_a_host_with_nothing_but_busybox_is_read(tmp_path: Path) -> None:
    subprocess.run(["busybox", "--install", "-s", str(tmp_path)], check=True)
    # sections ask for sh by its name, which is busybox' then; nothing but its own programs is found
    alone = [replace(each, command=f"PATH={tmp_path}; {each.command}") for each in sections(())]

    host, findings = collected(["busybox", "sh"], alone, PATH=f"{tmp_path}:{PATH}")

    assert {"system", "sysctls", "modules", "cgroup", "network", "disks", "swap", "clock"} <= read(host)
    assert host.cause("listeners") == "the command that reads it is not installed"
    assert {each.host for each in findings} == {"w1", None}
