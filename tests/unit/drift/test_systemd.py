"""Whose systemd is talked to, and what is said where a user has none or one by day only."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from checks.drift.systemd import by_day_only, systemctl
from deploy.errors import RunError

ME = pwd.getpwuid(os.geteuid()).pw_name
DEAF = "Failed to connect to bus: No medium found"


@pytest.fixture(autouse=True)
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH that holds nothing but what a test puts there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return tmp_path


def program(there: Path, name: str, script: str) -> None:
    (there / name).write_text(f"#!/bin/sh\n{script}\n")
    (there / name).chmod(0o700)


def test_a_users_manager_is_found_where_su_and_sudo_leave_no_variables(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(there, "systemctl", f'echo "$XDG_RUNTIME_DIR: $*" >> {there}/called')

    systemctl("daemon-reload", root=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/somewhere/else")
    systemctl("daemon-reload", root=False)
    systemctl("daemon-reload", root=True)

    assert (there / "called").read_text().splitlines() == [
        f"/run/user/{os.geteuid()}: --user daemon-reload",
        "/somewhere/else: --user daemon-reload",
        "/somewhere/else: daemon-reload",
    ]


def test_a_user_without_a_manager_is_told_how_to_get_one(there: Path) -> None:
    program(there, "systemctl", f"echo {DEAF!r} >&2; exit 1")

    with pytest.raises(RunError) as caught:
        systemctl("show-environment", root=False)

    assert str(caught.value) == (
        f"`systemctl --user show-environment` ended with 1: {DEAF}\n"
        f"No systemd of {ME}'s own runs here. `sudo loginctl enable-linger {ME}` starts one, now and at "
        "every boot (on Debian it needs the package libpam-systemd); then do this again"
    )


@pytest.mark.parametrize(("root", "said"), [(True, DEAF), (False, "Unit slipway.timer is masked")])
def test_what_linger_does_not_mend_does_not_speak_of_it(there: Path, root: bool, said: str) -> None:
    program(there, "systemctl", f"echo {said!r} >&2; exit 1")

    with pytest.raises(RunError) as caught:
        systemctl("enable", root=root)

    command = "systemctl enable" if root else "systemctl --user enable"
    assert str(caught.value) == f"`{command}` ended with 1: {said}"


def test_without_systemctl_other_means_are_named() -> None:
    with pytest.raises(RunError) as caught:
        systemctl("daemon-reload", root=True)

    assert str(caught.value) == "systemctl is not there; run `slipway drift` every night by other means"


def test_who_lingers_has_nights(there: Path) -> None:
    program(there, "loginctl", f'[ "$*" = "show-user --property=Linger --value {ME}" ] && echo yes')

    assert by_day_only() == ""


@pytest.mark.parametrize("loginctl", ["echo no", "echo 'no session and no linger' >&2; exit 1", None])
def test_who_does_not_linger_or_may_not_is_told_so(there: Path, loginctl: str | None) -> None:
    if loginctl is not None:
        program(there, "loginctl", loginctl)

    assert by_day_only() == (
        f"It runs only while {ME} is logged in, as {ME} does not linger. "
        f"For every night: sudo loginctl enable-linger {ME}"
    )
