"""The nightly job of one who is not root, under a systemd of their own, on a lab's host as controller."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.lab.faults import faults
from tests.lab.controller import GROWS_OLD, METRICS, Controller
from tests.lab.site import Site, until

USER = "nosudo"
JOB = "slipway-drift-test-core"
UNITS = f"/home/{USER}/.config/systemd/user"
INSTALL = ("drift", "--install-timer", "--textfile", METRICS)

GOES = f"loginctl disable-linger {USER}; systemctl stop user@$(id -u {USER})"


@pytest.fixture(scope="module")
def controller(core: Site) -> Iterator[Controller]:
    """The bare host beside the cluster, with slipway on it for a user who is logged in nowhere."""
    core.ok("apply", "--yes")
    core.on("n3", GOES)
    made = Controller(core, "n3", USER)
    made.set_up()
    yield made
    made.tear_down()
    core.on("n3", f"{GOES}; cd /home/{USER} && rm -rf .config .local hook told")


def of_the_job(controller: Controller) -> str:
    return controller.systemctl("is-active", f"{JOB}.service", check=False)


def test_without_a_systemd_of_ones_own_it_is_said_how_to_get_one(controller: Controller) -> None:
    said = controller.slipway(*INSTALL, code=3)

    asked, what_to_do = said.splitlines()
    assert asked.startswith("`systemctl --user show-environment` ended with 1: Failed to connect to ")
    assert what_to_do == (
        f"No systemd of {USER}'s own runs here. `sudo loginctl enable-linger {USER}` starts one, now and at "
        "every boot (on Debian it needs the package libpam-systemd); then do this again"
    )
    assert controller.on(f"ls {UNITS}", check=False) == ""


def test_who_does_not_linger_is_told_that_there_will_be_no_nights(controller: Controller) -> None:
    controller.site.on("n3", f"systemctl start user@$(id -u {USER})")

    said = controller.slipway(*INSTALL)

    by_day = (
        f"It runs only while {USER} is logged in, as {USER} does not linger. "
        f"For every night: sudo loginctl enable-linger {USER}"
    )
    assert said.splitlines() == [
        f"wrote {UNITS}/{JOB}.service",
        f"wrote {UNITS}/{JOB}.timer",
        f"{JOB}.timer runs every night at 03:17; reports: {controller.state}/reports",
        by_day,
    ]


def test_who_lingers_is_told_no_such_thing_and_systemd_has_nothing_to_say_either(
    controller: Controller,
) -> None:
    controller.site.on("n3", f"loginctl enable-linger {USER}")
    controller.on("printf '#!/bin/sh\\ngrep NoNewPrivs /proc/self/status > ~/told' > ~/hook; chmod +x ~/hook")

    said = controller.slipway(*INSTALL, "--on-change", f"/home/{USER}/hook")

    sandbox = (
        "--on-change runs in the service's sandbox: without sudo, setuid and setgid. A mailer that queues on "
        "this machine (sendmail, postdrop) fails there; SMTP and --webhook-file work."
    )
    assert said.splitlines()[3:] == [sandbox]
    assert controller.systemctl("is-enabled", f"{JOB}.timer") == "enabled"
    verify = f"systemd-analyze --user verify {UNITS}/{JOB}.service {UNITS}/{JOB}.timer"
    controller.on(f"export XDG_RUNTIME_DIR=/run/user/$(id -u); {verify}")
    assert controller.on(f"{verify} 2>&1 | grep -F slipway || true") == ""


def test_after_a_boot_the_timer_waits_for_the_night_with_nobody_logged_in(controller: Controller) -> None:
    controller.site.lab.restart("n3")

    until(lambda: controller.systemctl("is-active", f"{JOB}.timer", check=False) == "active", 60, "the timer")
    state = f"loginctl show-user --property=State --value {USER}"
    assert controller.site.on("n3", state) == "lingering"


def test_the_timer_starts_a_night_that_succeeds(controller: Controller) -> None:
    controller.soon()

    until(lambda: controller.reports() != [], 120, "the timer's run")
    until(lambda: of_the_job(controller) != "activating", 60, "its end")
    controller.as_installed()

    report = controller.last()
    assert (report["exit"], report["unreachable"]) == (0, {})
    assert report["last_nightly"] == report["started"]
    metrics = controller.on(f"cat {METRICS}").splitlines()
    assert 'slipway_run_exit_code{cluster="test-core",verb="drift"} 0' in metrics
    assert 'slipway_hook_failed{cluster="test-core",hook="command"} 0' in metrics


def test_drift_is_a_result_and_what_it_is_told_by_gains_no_privileges(controller: Controller) -> None:
    controller.site.on("n2", faults()["journal-limit"].made)
    try:
        assert controller.started() == ("success", "5")
    finally:
        controller.site.ok("apply", "--yes")

    assert controller.on("cat ~/told").split() == ["NoNewPrivs:", "1"]
    [nightly] = [each for each in controller.last()["findings"] if each["check"] == "OPS-01"]
    assert (nightly["status"], nightly["found"]) == ("pass", "the timer's last report is 0 hours old")


def test_taken_away_nothing_of_it_stays_but_the_reports(controller: Controller) -> None:
    kept = controller.reports()

    said = controller.slipway("drift", "--uninstall-timer")

    assert said.splitlines() == [
        f"removed {UNITS}/{JOB}.timer",
        f"removed {UNITS}/{JOB}.service",
        GROWS_OLD,
    ]
    for listed in ("list-unit-files", "list-timers"):
        assert controller.systemctl(listed, "--all", "--no-legend", f"{JOB}*", check=False) == ""
    assert controller.reports() == kept != []
