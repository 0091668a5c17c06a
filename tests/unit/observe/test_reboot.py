"""What only a reboot brings is read from a host, and nothing else is taken for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.observe import reboot
from deploy.observe.reboot import UnreadableError, parse

KERNEL = "running 6.12.1\ninstalled 6.12.1 headers\n"


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ("", []),
        ("reboot nvidia-driver-580\n", ["a reboot is asked for by nvidia-driver-580"]),
        ("reboot\n", ["a reboot is asked for"]),
        ("installed 6.12.9\n", ["kernel 6.12.1 runs, 6.12.9 is installed"]),
        ("installed 6.8.0\n", []),
        (
            "loaded nvidia\nversion nvidia 580.95.05 595.91.07\n",
            ["nvidia 580.95.05 is loaded, 595.91.07 is installed"],
        ),
        ("loaded nvidia\nversion nvidia 595.91.07 595.91.07\n", []),
        ("loaded nvidia\nversion nvidia 595.91.07\n", []),
        (
            "loaded amdgpu\nversion amdgpu - 6.14.14\n",
            ["the kernel's own amdgpu is loaded, 6.14.14 is installed"],
        ),
        ("loaded amdgpu\nversion amdgpu -\n", []),
        (
            "loaded nouveau\nblacklist nouveau\n",
            ["nouveau is loaded, which /etc/modprobe.d keeps away from the next boot on"],
        ),
        ("blacklist nouveau\n", []),
        ("loaded nouveau\n", []),
        ("loaded i915\nblacklist i915\n", []),
        (
            "loaded i915\noption i915 enable_guc 3 0\n",
            ["i915 runs with enable_guc=0, /etc/modprobe.d says 3"],
        ),
        ("loaded i915\noption i915 enable_guc 0x3 3\n", []),
        ("loaded xe\noption xe probe_display N 0\noption xe probe_display on Y\n", []),
    ],
)
def test_what_waits_for_a_reboot_is_said(said: str, reasons: list[str]) -> None:
    assert [*parse(KERNEL + said).reasons(nvidia=True)] == reasons


def test_nouveau_is_in_nobodys_way_where_no_nvidia_gpu_is_declared() -> None:
    assert [*parse(f"{KERNEL}loaded nouveau\nblacklist nouveau\n").reasons(nvidia=False)] == []


def test_silence_is_not_taken_for_a_host_that_waits_for_nothing() -> None:
    with pytest.raises(UnreadableError, match=r"^the host did not name its kernel$"):
        parse("loaded nvidia\n")


@given(text=st.text(alphabet="reboot versin lad0.1\n option", max_size=80))
def test_garbage_is_read_or_unread_but_never_crashes(text: str) -> None:
    try:
        [*parse(KERNEL + text).reasons(nvidia=True)]
    except UnreadableError:
        pytest.fail("it has a kernel")


def test_the_script_reads_a_host(tmp_path: Path) -> None:
    """The files of a host lie below a folder of ours; what it runs is what runs on a host."""
    module = tmp_path / "sys/module/i915"
    options = tmp_path / "etc/modprobe.d"
    for folder in (module / "parameters", options, tmp_path / "lib/modules/6.12.1", tmp_path / "run"):
        folder.mkdir(parents=True)
    (module / "parameters/enable_guc").write_text("0\n")
    (options / "i915.conf").write_text("options i915 enable_guc=3 modeset=1\n# options i915 enable_guc=1\n")
    (options / "nouveau.conf").write_text("blacklist nouveau\n")
    (tmp_path / "sys/module/nouveau").mkdir()
    (tmp_path / "proc/sys/kernel").mkdir(parents=True)
    (tmp_path / "proc/sys/kernel/osrelease").write_text("6.12.1\n")
    (tmp_path / "run/reboot-required").touch()
    (tmp_path / "run/reboot-required.pkgs").write_text("linux-image-6.12.9\nlibc6\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "modinfo").write_text('#!/bin/sh\n[ "$3" = i915 ] && echo 1.25.2\n')
    (tools / "modinfo").chmod(0o755)
    script = f"PATH={tools}:$PATH\n{reboot.COMMAND}"
    for root in ("/sys/", "/etc/", "/lib/", "/run/", "/usr/lib/", "/proc/"):
        script = script.replace(f" {root}", f" {tmp_path}{root}").replace(f'"{root}', f'"{tmp_path}{root}')

    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    assert [*parse(ran.stdout).reasons(nvidia=True)] == [
        "a reboot is asked for by linux-image-6.12.9 libc6",
        "the kernel's own i915 is loaded, 1.25.2 is installed",
        "nouveau is loaded, which /etc/modprobe.d keeps away from the next boot on",
        "i915 runs with enable_guc=0, /etc/modprobe.d says 3",
    ]
