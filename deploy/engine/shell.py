"""How a command reaches a host's shell: as root, in one locale, and never longer than it may."""

from __future__ import annotations

import shlex

# GOGC: kubectl, helm and ctr live a tenth of a second; collecting garbage was a third of their time.
# KUBECACHEDIR: what kubectl learns of an API lies in memory, and nothing is written below a home
ENVIRONMENT = (
    "export LC_ALL=C GOGC=400 KUBECACHEDIR=/run/slipway/kube-cache"
    " PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;"
)
KILLED_AFTER = 5  # seconds between SIGTERM and SIGKILL
TIMED_OUT = (124, 137)  # what timeout(1) exits with: it ended the command, or had to kill it


def bound(timeout: float) -> str:
    """Return what goes before a quoted command so that its host ends it, also when nobody waits any more."""
    return f"timeout -k {KILLED_AFTER} {timeout:g} sh -c"


def bounded(command: str, timeout: float) -> str:
    """Return a command that its host ends after `timeout` seconds."""
    return f"{bound(timeout)} {shlex.quote(f'{ENVIRONMENT} {command}')}"


def as_root(command: str, *, become: bool) -> str:
    """Return a command that runs as root; `sudo` never asks, as nobody would answer."""
    return f"sudo -H -n sh -c {shlex.quote(command)}" if become else command
