"""Long work as a named unit of systemd's: it outlives the connection, and a later run finds it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence


def started(unit: str, command: Sequence[str], properties: Sequence[str] = ()) -> str:
    """Return the shell that starts a command as a transient unit and waits until it ends."""
    run = ["systemd-run", "--quiet", f"--unit={unit}", "--setenv=HOME=/root"]
    run += [f"--property={text}" for text in properties]
    forget = f"systemctl reset-failed {unit} 2>/dev/null || true"
    return "\n".join([forget, shlex.join([*run, "--", *command]), awaited(unit)])


def awaited(unit: str) -> str:
    """Return the shell that waits until a transient unit ends; if it failed its last words are the error."""
    return "\n".join(
        [
            f"while :; do case $(systemctl show --value -p ActiveState {unit}) in",
            f"failed) echo '{unit} failed; its last words:' >&2",
            f"  journalctl -u {unit} -n 30 --no-pager -o cat >&2; exit 1;;",
            "active|activating|deactivating|reloading) sleep 0.2;;",
            "*) break;;",
            "esac; done",
        ]
    )
