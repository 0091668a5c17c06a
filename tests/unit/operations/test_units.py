from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pytest

from deploy.errors import HostError
from deploy.model.row import Disturbs
from deploy.operations import units
from deploy.operations.files import File
from deploy.operations.units import Unit
from tests.unit.operations.conftest import Plan

FILES, STATE, HASHES = "stat --printf='%F", "systemctl show", "set --"
UNIT_FILE = "/etc/systemd/system/x.service"
DROP_IN = "/etc/systemd/system/x.service.d/10-slipway.conf"
CONFIG = File("/etc/x.conf", b"a = 1\n")
X = Unit("x.service", b"[Service]\nExecStart=/bin/x\n", (CONFIG, "/bin/x"))
BINARY = "b" * 64
DIGESTS = {file.path: file.sha256 for file in (*units.own_file(X), CONFIG)} | {"/bin/x": BINARY}
STAT = "1 2 2026-11-30 01:25:20.835949367 +0000"
START = (
    "timeout -k 5 100 systemctl start -- x.service || { echo 'x.service did not start; its last words:' >&2; "
    "journalctl -u x.service -n 20 --no-pager -o cat >&2; exit 1; }"
)
RESTART = START.replace("start", "restart")


def host(
    *,
    active: str = "active",
    enabled: str = "enabled",
    load: str = "loaded",
    stale: str = "no",
    recorded: Mapping[str, str] = DIGESTS,
    moved: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
    hashes: Mapping[str, str] = DIGESTS,
) -> dict[str, list[str]]:
    own = [file for file in units.own_files(X) if file.path not in missing]
    return {
        FILES: [
            *(f"regular file\t644\troot\troot\t{file.path}" for file in own),
            *(f"{file.sha256}  {file.path}" for file in own),
            "end-of-files",
        ],
        STATE: [
            f"LoadState={load}",
            f"ActiveState={active}",
            "SubState=running",
            f"UnitFileState={enabled}",
            f"NeedDaemonReload={stale}",
            *(f"stat {STAT} {path}" for path in recorded),
            *(f"{digest}  {path}" for path, digest in recorded.items()),
            *(
                f"now {'9 9 9.0' if path in moved else STAT} {path}"
                for path in DIGESTS
                if path not in missing
            ),
            "end-of-unit",
        ],
        HASHES: [*(f"{digest}  {path}" for path, digest in hashes.items()), "end-of-files"],
    }


def test_a_unit_that_runs_with_its_inputs_is_left_alone(plan: Plan) -> None:
    planned = plan(units.brought_up, X, answers=host())

    assert (planned.commands, planned.reasons) == ([], [])


def test_a_new_unit_is_written_enabled_and_started_and_disturbs_nothing(plan: Plan) -> None:
    answers = host(active="inactive", enabled="", load="not-found", recorded={}, missing=(UNIT_FILE, DROP_IN))

    planned = plan(units.brought_up, X, disturbs=Disturbs.PODS, answers=answers)

    assert [command.split(" ")[0] for command in planned.commands[:2]] == ["mkdir", "mkdir"]
    assert planned.commands[2:] == ["systemctl daemon-reload", "systemctl enable --quiet -- x.service", START]
    assert planned.notes.disturbs is Disturbs.NOTHING


def test_a_configuration_that_will_change_restarts_before_it_is_written(plan: Plan) -> None:
    planned = plan(
        units.brought_up,
        Unit(X.name, X.content, (File("/etc/x.conf", b"a = 2\n"), "/bin/x")),
        disturbs=Disturbs.PODS,
        answers=host(),
    )

    assert planned.commands == [RESTART]
    assert planned.reasons == ["x.service restarts: it started with another /etc/x.conf"]
    assert planned.notes.disturbs is Disturbs.PODS


def test_an_input_changed_by_hand_restarts(plan: Plan) -> None:
    planned = plan(units.brought_up, X, answers=host(moved=("/bin/x",), hashes={"/bin/x": "c" * 64}))

    assert planned.commands == [RESTART]
    assert planned.reasons == ["x.service restarts: it started with another /bin/x"]


def test_an_input_replaced_by_the_same_content_does_not_restart(plan: Plan) -> None:
    assert plan(units.brought_up, X, answers=host(moved=("/bin/x",))).commands == []


def test_a_running_unit_without_a_record_restarts(plan: Plan) -> None:
    planned = plan(units.brought_up, X, answers=host(recorded={}))

    assert planned.commands == [RESTART]
    assert planned.reasons == ["x.service restarts: what it started with is not recorded"]


def test_a_stale_view_of_the_manager_is_reloaded(plan: Plan) -> None:
    planned = plan(units.brought_up, X, answers=host(stale="yes"))

    assert planned.commands == ["systemctl daemon-reload"]
    assert planned.reasons == ["systemd has not read the files of x.service as they are now"]


def test_a_disabled_unit_is_enabled(plan: Plan) -> None:
    planned = plan(units.brought_up, X, answers=host(enabled="disabled"))

    assert planned.commands == ["systemctl enable --quiet -- x.service"]
    assert planned.reasons == ["x.service is disabled, it shall come back at boot"]


def test_a_failed_unit_is_reset_and_started(plan: Plan) -> None:
    planned = plan(units.brought_up, X, answers=host(active="failed"))

    assert planned.commands == ["systemctl reset-failed -- x.service", START]


def test_a_masked_unit_is_an_error_with_its_remedy(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        plan(units.brought_up, X, answers=host(load="masked"))

    assert str(error.value) == (
        "x.service is masked, so nothing can start it; "
        "find out who masked it, then run `systemctl unmask x.service`"
    )


def test_a_silent_systemd_is_not_taken_for_a_stopped_unit(plan: Plan) -> None:
    with pytest.raises(HostError) as error:
        plan(units.brought_up, X, answers={STATE: ["end-of-unit"]})

    assert str(error.value) == "could not read x.service: systemd did not answer `systemctl show`"


def test_what_a_unit_starts_with_is_recorded_by_the_unit_itself() -> None:
    [drop_in] = units.drop_in(Unit("kubelet.service", b"", ("/var/lib/kubelet/config.yaml",)))
    inputs = "/etc/systemd/system/kubelet.service /var/lib/kubelet/config.yaml"
    record = "/run/slipway/kubelet.service.inputs"

    assert drop_in.content.decode() == (
        "[Service]\n"
        f"ExecStartPre=-+/bin/sh -c 'mkdir -p /run/slipway; export TZ=UTC; "
        f'{{ stat -Lc "stat %%i %%s %%z %%n" {inputs}; '
        f"sha256sum {inputs}; }} 2>/dev/null >{record}.part; mv -f {record}.part {record}'\n"
    )


def test_another_way_to_record_restarts_nothing(plan: Plan) -> None:
    answers = host()
    answers[FILES] = [line for line in answers[FILES] if not line.endswith(DROP_IN)]

    planned = plan(units.brought_up, X, answers=answers)

    assert planned.commands[1:] == ["systemctl daemon-reload"]
    assert planned.reasons == [f"{DROP_IN} is missing"]


def test_a_unit_of_a_package_that_reads_nothing_of_ours_gets_no_drop_in() -> None:
    assert units.drop_in(Unit("chrony.service", None)) == []


def test_a_path_that_a_unit_file_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="not a path that a unit's file can hold: /etc/a b"):
        units.drop_in(Unit("x.service", None, ("/etc/a b",)))


def test_a_running_unit_that_shall_not_run_is_stopped(plan: Plan) -> None:
    planned = plan(units.stopped, "x.service", answers=host())

    assert planned.commands == ["systemctl disable --now -- x.service"]
    assert planned.reasons == ["x.service is active and enabled, it shall not run"]


def test_a_unit_that_is_not_there_needs_no_stopping(plan: Plan) -> None:
    answers = host(active="inactive", enabled="", load="not-found")

    assert plan(units.stopped, "x.service", answers=answers).commands == []


AGE = "--timestamp=unix"
JOURNALD = "systemd-journald.service"


def age(started: str, written: str) -> dict[str, list[str]]:
    file = ["regular file\t644\troot\troot\t/etc/x.conf", f"{CONFIG.sha256}  /etc/x.conf", "end-of-files"]
    times = [f"ActiveEnterTimestamp={started}", *([f"written {written}"] if written else []), "end-of-unit"]
    return {AGE: times, FILES: file if written else ["end-of-files"]}


def test_a_unit_that_started_after_its_file_was_written_is_left_alone(plan: Plan) -> None:
    assert plan(units.configured, JOURNALD, CONFIG, answers=age("@20", "20")).commands == []


def test_a_unit_older_than_its_file_restarts_although_the_file_is_as_wanted(plan: Plan) -> None:
    planned = plan(units.configured, JOURNALD, CONFIG, answers=age("@20", "21"))

    assert planned.commands == [RESTART.replace("x.service", JOURNALD)]
    assert planned.reasons == [f"{JOURNALD} restarts to read /etc/x.conf"]


def test_a_file_that_is_written_restarts_its_unit(plan: Plan) -> None:
    planned = plan(units.configured, JOURNALD, CONFIG, answers=age("@20", ""))

    assert planned.commands[1:] == [RESTART.replace("x.service", JOURNALD)]


def test_a_unit_that_is_off_stays_off(plan: Plan) -> None:
    assert len(plan(units.configured, JOURNALD, CONFIG, answers=age("", "")).commands) == 1


def test_digests_are_of_the_whole_content() -> None:
    assert CONFIG.sha256 == hashlib.sha256(b"a = 1\n").hexdigest()
