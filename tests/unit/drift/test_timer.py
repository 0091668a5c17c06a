"""The nightly job as systemd is given it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from checks.drift import timer
from checks.drift.timer import Job, anywhere, install, installed, option, quoted, uninstall, words
from deploy.errors import InventoryError, RunError

JOB = Job(
    cluster="homelab",
    command=(
        "/opt/slip way/slipway",
        "drift",
        "/etc/homelab.yaml",
        "-o",
        "short",
        "--on-change",
        "mail 100%",
    ),
    working_directory=Path("/"),
    environment=(("HOME", "/root"), ("XDG_STATE_HOME", "/root/.local/state")),
    state=Path("/root/.local/state/slipway/homelab"),
)


def test_the_service_runs_drift_and_may_write_its_state_only() -> None:
    lines = timer.service(JOB).splitlines()

    assert (
        'ExecStart="/opt/slip way/slipway" drift /etc/homelab.yaml -o short --on-change "mail 100%%"' in lines
    )
    told = ("ReadWrite", "ProtectSystem", "SuccessExit", "Environment")
    assert [line for line in lines if line.startswith(told)] == [
        "Environment=HOME=/root",
        "Environment=XDG_STATE_HOME=/root/.local/state",
        "Environment=SLIPWAY_TIMER=1",
        "SuccessExitStatus=4 5",
        "ProtectSystem=strict",
        "ReadWritePaths=/root/.local/state/slipway/homelab",
    ]


def test_a_folder_of_metrics_that_is_away_keeps_no_night_from_running() -> None:
    lines = timer.service(replace(JOB, metrics=Path("/srv/node exporter"))).splitlines()

    assert [line for line in lines if line.startswith("ReadWrite")] == [
        "ReadWritePaths=/root/.local/state/slipway/homelab",
        'ReadWritePaths="-/srv/node exporter"',
    ]


def test_what_only_the_machines_manager_can_forbid_a_users_is_not_asked_for() -> None:
    """A user's manager leaves out what needs a namespace or, with a capability, ends the unit (218)."""
    lines = [
        timer.service(replace(JOB, metrics=Path("/srv/metrics"), root=root)).splitlines()
        for root in (True, False)
    ]

    assert [line for line in lines[0] if line not in lines[1]] == [
        "Wants=network-online.target",
        "After=network-online.target",
        "PrivateTmp=yes",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        "ReadWritePaths=/root/.local/state/slipway/homelab",
        "ReadWritePaths=-/srv/metrics",
        "ProtectKernelTunables=yes",
        "ProtectControlGroups=yes",
        "ProtectHostname=yes",
        "PrivateDevices=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectClock=yes",
    ]
    assert [line for line in lines[1] if line not in lines[0]] == []
    assert {"NoNewPrivileges=yes", "RestrictSUIDSGID=yes"} <= {*lines[1]}


def test_it_is_said_what_a_command_may_not_do_at_night() -> None:
    """What is said is what the service's options do."""
    job = replace(JOB, metrics=Path("/srv/metrics"))

    assert timer.sandboxed(job) == (
        "--on-change runs in the service's sandbox: without sudo, setuid and setgid, and it may write to "
        "/root/.local/state/slipway/homelab, /srv/metrics and a /tmp of its own only. A mailer that queues "
        "on this machine (sendmail, postdrop) fails there; SMTP and --webhook-file work."
    )
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes"} <= {
        *timer.service(job).splitlines()
    }
    assert timer.sandboxed(replace(job, root=False)) == (
        "--on-change runs in the service's sandbox: without sudo, setuid and setgid. A mailer that queues on "
        "this machine (sendmail, postdrop) fails there; SMTP and --webhook-file work."
    )


def test_the_timer_makes_up_for_a_night_that_was_slept_through() -> None:
    assert timer.timer(JOB) == (
        "[Unit]\n"
        "Description=Nightly drift of the cluster homelab\n"
        "\n"
        "[Timer]\n"
        "OnCalendar=*-*-* 03:17\n"
        "Persistent=true\n"
        "RandomizedDelaySec=10min\n"
        "\n"
        "[Install]\n"
        "WantedBy=timers.target\n"
    )


@pytest.mark.parametrize(
    ("word", "line"),
    [("plain", "plain"), ("two words", '"two words"'), ("50% $x", '"50%% $$x"'), ('a"b', '"a\\"b"')],
)
def test_a_word_stays_one_word_for_systemd(word: str, line: str) -> None:
    assert quoted(word) == line


def test_the_units_are_written_whole_started_and_taken_away_again(tmp_path: Path) -> None:
    called: list[tuple[str, ...]] = []

    def control(*words: str, root: bool) -> None:
        called.append(words)

    install(JOB, tmp_path, root=True, control=control)
    written = sorted(path.name for path in tmp_path.iterdir())
    uninstall("homelab", tmp_path, root=True, control=control)

    assert written == ["slipway-drift-homelab.service", "slipway-drift-homelab.timer"]
    assert [*tmp_path.iterdir()] == []
    assert called == [
        ("show-environment",),
        ("daemon-reload",),
        ("enable", "--now", "slipway-drift-homelab.timer"),
        ("disable", "--now", "slipway-drift-homelab.timer"),
        ("daemon-reload",),
    ]


def test_the_command_that_is_in_place_is_read_back_as_it_was_given(tmp_path: Path) -> None:
    command = ("/opt/slip way/slipway", "drift", "/srv/a.yaml", "--on-change", "sh -c 'echo \"50% $x\\n\"'")
    assert installed("homelab", tmp_path) == []

    install(replace(JOB, command=command), tmp_path, root=True, control=lambda *_, **__: None)

    assert tuple(installed("homelab", tmp_path)) == command
    assert option(command, "--on-change") == command[-1]
    assert option(command, command[-1]) is None
    (tmp_path / "slipway-drift-homelab.service").write_text('[Service]\nExecStart="/opt/broken off')
    assert installed("homelab", tmp_path) == []
    (tmp_path / "slipway-drift-homelab.service").write_text("")
    assert installed("homelab", tmp_path) == []


def test_without_systemd_nothing_is_written(tmp_path: Path) -> None:
    def control(*words: str, root: bool) -> None:
        raise RunError("System has not been booted with systemd")

    with pytest.raises(RunError):
        install(JOB, tmp_path, root=True, control=control)

    assert [*tmp_path.iterdir()] == []


def test_what_was_never_installed_is_not_stopped(tmp_path: Path) -> None:
    def control(*words: str, root: bool) -> None:
        raise AssertionError(words)

    assert uninstall("homelab", tmp_path, root=True, control=control) == []


def test_a_nightly_command_starts_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "page me").write_text("#!/bin/sh\n")
    (tmp_path / "page me").chmod(0o700)
    monkeypatch.chdir(tmp_path)

    assert anywhere("'./page me' --to 'the operator'") == f"'{tmp_path}/page me' --to 'the operator'"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert anywhere("'page me'") == f"'{tmp_path}/page me'"


def test_a_nightly_command_that_cannot_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page").write_text("#!/bin/sh\n")

    with pytest.raises(InventoryError) as caught:
        anywhere(f"{tmp_path}/page now")

    assert str(caught.value) == (
        f"--on-change: {tmp_path}/page is no program here that you may run; "
        "give its path, or make it executable"
    )


@pytest.mark.parametrize(("given", "why"), [("tell 'me", "No closing quotation"), (" ", "it is empty")])
def test_what_is_no_command_is_refused_without_showing_it(given: str, why: str) -> None:
    with pytest.raises(InventoryError) as caught:
        words(given)

    assert str(caught.value) == f"--on-change is no command: {why}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("root", [True, False])
def test_systemd_takes_the_units(tmp_path: Path, root: bool) -> None:
    job = replace(JOB, command=("/bin/true",), metrics=Path("/srv/not there"), root=root)
    (tmp_path / f"{job.name}.service").write_text(timer.service(job))
    (tmp_path / f"{job.name}.timer").write_text(timer.timer(job))

    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
