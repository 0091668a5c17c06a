"""Long work as a named unit of systemd's: it outlives the connection, and a later run finds it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

SILENCES = 150  # every 0.2 s: half a minute, each of systemctl's own waits for an answer aside


def started(unit: str, command: Sequence[str], properties: Sequence[str] = ()) -> str:
    """Return the shell that starts a command as a transient unit and waits until it ends."""
    return f"{begun(unit, command, properties)}\n{awaited(unit)}"


def begun(unit: str, command: Sequence[str], properties: Sequence[str] = ()) -> str:
    """Return the shell that starts a command as a transient unit, and leaves it at work."""
    run = ["systemd-run", "--quiet", f"--unit={unit}", "--setenv=HOME=/root"]
    run += [f"--property={text}" for text in properties]
    forget = f"systemctl reset-failed {unit} 2>/dev/null || true"
    return "\n".join([forget, shlex.join([*run, "--", *command])])


def awaited(unit: str) -> str:
    """Return the shell that waits until a transient unit ends; if it failed its last words are the error.

    A systemd that says nothing, as it does while it is busy or executes itself anew, is asked again; and so
    is one that shuts its host down, which ends units in the midst of their work and calls them inactive.
    """
    silent = f"systemd does not say what became of {unit}; journalctl -u {unit} shows it"
    return "\n".join(
        [
            f"asked=0; while :; do case $(systemctl show --value -p ActiveState {unit}) in",
            f"failed) echo '{unit} failed; its last words:' >&2",
            f"  journalctl -u {unit} -n 30 --no-pager -o cat >&2; exit 1;;",
            'inactive) [ "$(systemctl is-system-running)" = stopping ] || break; asked=$((asked + 1));;',
            "'') asked=$((asked + 1));;",
            "*) asked=0;;",
            f"esac; [ $asked -lt {SILENCES} ] || {{ echo '{silent}' >&2; exit 1; }}; sleep 0.2; done",
        ]
    )
