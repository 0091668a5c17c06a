"""The real collector over file systems that note every write, and with processes of its own."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from checks.collect.script import script, whole
from checks.collect.sections import sections

MARK = "@0123456789abcdef"
SHELLS = [shell for shell in (["dash"], ["busybox", "sh"]) if shutil.which(shell[0])]
# writes below these land in /mnt/NAME/upper
NOTED = """
mount -t tmpfs none /mnt
for d in etc var usr root home opt run tmp; do
  mkdir -p /mnt/$d/upper /mnt/$d/work
  mount -t overlay overlay -o lowerdir=/$d,upperdir=/mnt/$d/upper,workdir=/mnt/$d/work /$d
done
mount -t proc proc /proc
"""
LEFT = """
echo ----
find /mnt/*/upper -mindepth 1
for p in /proc/[0-9]*; do case ${p#/proc/} in 1|$$) ;; *) tr '\\0' ' ' < $p/cmdline; echo ;; esac; done
"""
own_namespaces = pytest.mark.skipif(
    os.geteuid() != 0
    or subprocess.run(["unshare", "-mp", "--fork", "true"], check=False, capture_output=True).returncode != 0,
    reason="only root may have mounts and processes apart",
)


def run(shell: list[str], collector: str) -> tuple[str, str]:
    """Return what the collector printed, and what was written or still ran when it had ended."""
    done = subprocess.run(
        ["unshare", "-mp", "--fork", "sh", "-ec", f'{NOTED}\n"$@"\n{LEFT}', "sh", *shell, "-c", collector],
        capture_output=True,
        timeout=60,
        check=True,
    )
    printed, _, left = done.stdout.decode(errors="replace").partition("----\n")
    return printed, left


@own_namespaces
@pytest.mark.parametrize("shell", SHELLS, ids=lambda shell: shell[0])
def test_the_collector_writes_nothing_and_leaves_nothing_running(shell: list[str]) -> None:
    printed, left = run(shell, script(sections(("http://127.0.0.1:9/",)), MARK))

    assert whole(printed, MARK)
    assert left == ""


@own_namespaces
def test_a_write_and_a_process_would_be_seen() -> None:
    _, left = run(
        ["sh"],
        "echo x > /etc/written; sleep 30 >/dev/null 2>&1 & until grep -q sleep /proc/$!/comm; do :; done",
    )

    assert left == "/mnt/etc/upper/written\nsleep 30 \n"
