"""The nightly job under a real systemd: a lab's host plays the controller, and its timer starts the run."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from deploy.lab.faults import faults
from tests.lab.controller import GROWS_OLD, METRICS, STATE, Controller
from tests.lab.site import COUNTED, Site, until

JOB = "slipway-drift-test-core"
UNITS = "/etc/systemd/system"
TOLD = "told"


@pytest.fixture(scope="module")
def controller(core: Site) -> Iterator[Controller]:
    """The bare host beside the cluster, with slipway on it."""
    core.ok("apply", "--yes")
    made = Controller(core, "n3")
    made.set_up()
    yield made
    made.tear_down()


def test_the_timer_is_installed_and_systemd_has_nothing_to_say_about_it(controller: Controller) -> None:
    said = controller.slipway(
        "drift",
        "--install-timer",
        "--textfile",
        METRICS,
        "--on-change",
        f"tee {controller.state}/{TOLD}",
    )

    sandbox = (
        "--on-change runs in the service's sandbox: without sudo, setuid and setgid, and it may write to "
        f"{controller.state}, {STATE}/metrics and a /tmp of its own only. A mailer that queues on this "
        "machine (sendmail, postdrop) fails there; SMTP and --webhook-file work."
    )
    assert said.splitlines() == [
        f"wrote {UNITS}/{JOB}.service",
        f"wrote {UNITS}/{JOB}.timer",
        f"{JOB}.timer runs every night at 03:17; reports: {controller.state}/reports",
        sandbox,
    ]
    assert (
        controller.on(f"systemctl is-enabled {JOB}.timer; systemctl is-active {JOB}.timer")
        == "enabled\nactive"
    )
    assert (
        controller.on(f"systemctl show -p NextElapseUSecRealtime --value {JOB}.timer").split()[2][:2] == "03"
    )
    verify = f"systemd-analyze verify {UNITS}/{JOB}.service {UNITS}/{JOB}.timer"
    controller.on(verify)
    assert controller.on(f"{verify} 2>&1 | grep -F slipway || true") == ""
    assert controller.reports() == []


def test_a_night_without_drift_succeeds_with_all_that_the_unit_forbids(controller: Controller) -> None:
    assert controller.started() == ("success", "0"), controller.on(f"journalctl -u {JOB} -n 40 --no-pager")

    report = controller.last()
    assert (report["exit"], report["unreachable"]) == (0, {})
    assert report["last_nightly"] == report["started"]
    assert {each["host"] for each in report["findings"] if each["status"] == "pass"} == {"cp1", "w1", None}
    metrics = controller.on(f"cat {METRICS}")
    assert 'slipway_run_exit_code{cluster="test-core",verb="drift"} 0' in metrics.splitlines()
    assert 'slipway_hook_failed{cluster="test-core",hook="command"} 0' in metrics.splitlines()


def test_the_timer_itself_starts_the_run_and_the_run_knows_that_the_last_one_was(
    controller: Controller,
) -> None:
    before = controller.reports()
    controller.soon()

    until(lambda: len(controller.reports()) > len(before), 300, "the timer's run")
    until(
        lambda: controller.on(f"systemctl is-active {JOB}.service || true") == "inactive",
        300,
        "its end",
    )

    [nightly] = [each for each in controller.last()["findings"] if each["check"] == "OPS-01"]
    assert (nightly["status"], nightly["found"]) == ("pass", "the timer's last report is 0 hours old")
    controller.as_installed()


def test_a_run_by_hand_is_no_night_of_the_timer(controller: Controller) -> None:
    night = controller.last()

    by_hand = json.loads(controller.slipway("drift", "-o", "json"))

    assert by_hand["last_nightly"] == night["started"] < by_hand["started"]


def test_drift_is_a_result_and_no_failure_of_the_job_and_is_told_once(controller: Controller) -> None:
    controller.site.on("n2", faults()["journal-limit"].made)
    controller.on(f"rm -f {controller.state}/{TOLD}")
    try:
        first = controller.started()
        told = json.loads(controller.on(f"cat {controller.state}/{TOLD}"))
        controller.on(f"rm {controller.state}/{TOLD}")
        second = controller.started()
    finally:
        controller.site.ok("apply", "--yes")

    assert (first, second) == (("success", "5"), ("success", "5"))
    new = [(each["check"], each["host"]) for each in told["new"] if (each["check"], "fail") not in COUNTED]
    assert new == [("baseline | Cap the journal", "w1")]
    assert controller.on(f"cat {controller.state}/{TOLD} 2>/dev/null || true") == ""


def test_a_cluster_out_of_reach_is_a_failure_of_the_job(controller: Controller) -> None:
    controller.on(f"mv {controller.state}/known_hosts {controller.state}/unknown_hosts")
    try:
        assert controller.started() == ("exit-code", "6")
    finally:
        controller.on(f"mv {controller.state}/unknown_hosts {controller.state}/known_hosts")

    assert sorted(controller.last()["unreachable"]) == ["cp1", "w1"]


def test_taken_away_nothing_of_it_stays_but_the_reports(controller: Controller) -> None:
    kept = controller.reports()

    said = controller.slipway("drift", "--uninstall-timer")

    assert said.splitlines() == [
        f"removed {UNITS}/{JOB}.timer",
        f"removed {UNITS}/{JOB}.service",
        GROWS_OLD,
    ]
    for listed in ("list-unit-files", "list-timers --all"):
        assert controller.on(f"systemctl {listed} --no-legend '{JOB}*'", check=False) == ""
    assert controller.reports() == kept != []
    assert controller.slipway("drift", "--uninstall-timer") == "there was no timer of test-core"
