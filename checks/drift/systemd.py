"""The systemd of the machine, and the one of a user's own that the timer of a plain user runs in."""

from __future__ import annotations

import os
import pwd
import subprocess

from deploy.errors import RunError


def systemctl(*words: str, root: bool) -> None:
    """Talk to the manager of the machine, or to the user's own."""
    command = ["systemctl", *([] if root else ["--user"]), *words]
    # su and sudo leave out where a user's manager listens; pam_systemd(8) says where that is
    listens = {"XDG_RUNTIME_DIR": f"/run/user/{os.geteuid()}"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=listens | os.environ)
    except FileNotFoundError:
        raise RunError("systemctl is not there; run `slipway drift` every night by other means") from None
    if done.returncode != 0:
        said = f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()}"
        absent = not root and "Failed to connect" in done.stderr
        raise RunError("\n".join([said, *([_no_manager(_user())] if absent else [])]))


def _no_manager(user: str) -> str:
    return (
        f"No systemd of {user}'s own runs here. `sudo loginctl enable-linger {user}` starts one, now and at "
        "every boot (on Debian it needs the package libpam-systemd); then do this again"
    )


def by_day_only() -> str:
    """Say what keeps this user's own timer from running at night; empty for nothing."""
    user = _user()
    ask = ["loginctl", "show-user", "--property=Linger", "--value", user]
    try:
        lingers = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip() == "yes"
    except FileNotFoundError:
        lingers = False
    if lingers:
        return ""
    return (
        f"It runs only while {user} is logged in, as {user} does not linger. "
        f"For every night: sudo loginctl enable-linger {user}"
    )


def _user() -> str:
    """Return who runs this, by the machine and not by variables, which su and sudo may keep."""
    return pwd.getpwuid(os.geteuid()).pw_name
