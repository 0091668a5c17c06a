"""Every format, whole, of one night with everything in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import jsonschema
import pytest
from night import GOOD, INOTIFY, LABELS, NIGHT, NODES, PATH, ROW, SWAP

from checks.finding import Finding, Severity, Status
from checks.report import Format, Report, exit_code, metrics, render
from checks.report.document import read, schema
from checks.report.metrics import succeeded
from deploy.errors import RunError
from deploy.model.row import Row, State

EXPECTED = Path(__file__).parent / "expected"
WHOLE = ("text", "short", "json", "junit", "md", "prometheus", "nagios")


@pytest.mark.parametrize("form", WHOLE)
def test_a_night_reads_as_it_should(form: str) -> None:
    assert render(NIGHT, form, width=100) == (EXPECTED / f"night.{form}").read_text()


def test_a_run_is_complete_when_it_saw_everything_whatever_that_is_like() -> None:
    unread = replace(NODES, status=Status.UNAVAILABLE)
    unplanned = Row("plan", "cluster", "Plan every phase", State.ERROR)

    assert replace(GOOD, findings=(replace(NODES, status=Status.FAIL),)).complete
    assert replace(GOOD, findings=(NODES, replace(unread, severity=Severity.WARNING))).complete
    assert replace(GOOD, findings=(NODES, replace(unread, ignored="until then"))).complete
    assert not replace(GOOD, findings=(NODES, unread)).complete
    assert not replace(GOOD, unreachable={"w1": "ssh: timed out"}).complete
    assert not replace(GOOD, rows=(unplanned,)).complete
    assert not replace(GOOD, findings=()).complete


def test_only_a_complete_run_is_a_success_in_the_metrics() -> None:
    silent = replace(GOOD, findings=(replace(NODES, status=Status.UNAVAILABLE),))

    assert succeeded(GOOD) == GOOD.started
    assert succeeded(silent) is None
    assert succeeded(replace(silent, last_success=NIGHT.started)) == NIGHT.started


def test_a_hook_that_failed_is_in_the_metrics_and_in_the_exit_code() -> None:
    hooks = {"command": False, "webhook": True}
    told = 'slipway_hook_failed{cluster="homelab",hook="command"} 0'
    untold = 'slipway_hook_failed{cluster="homelab",hook="webhook"} 1'

    lines = metrics.render(GOOD, hooks).splitlines()

    assert lines.index(untold) == lines.index(told) + 1
    assert 'slipway_run_exit_code{cluster="homelab",verb="verify"} 3' in lines
    assert 'slipway_run_exit_code{cluster="homelab",verb="verify"} 0' in metrics.render(GOOD).splitlines()


def test_the_page_says_what_a_fault_comes_from() -> None:
    assert "likely because of HOST-00 (w2), K8S-14 (cluster)" in render(NIGHT, "html")


def test_the_page_leads_to_a_cause_that_it_shows() -> None:
    down = Finding("K8S-14", None, Status.FAIL, found="connection refused", group="kubernetes")

    page = render(replace(NIGHT, findings=(PATH, down)), "html")

    assert 'likely because of HOST-00 (w2), <a href="#K8S-14.cluster">K8S-14 (cluster)</a>' in page
    assert page.count('id="K8S-14.cluster"') == 1


def test_a_report_of_before_there_were_causes_is_read() -> None:
    data = json.loads(render(NIGHT, "json"))
    for each in data["findings"]:
        del each["because"]

    assert [each.because for each in read(json.dumps(data), "night.json").findings if each.because] == []


def test_a_document_from_before_nights_were_told_from_other_runs_is_read() -> None:
    data = json.loads(render(NIGHT, "json"))
    del data["last_nightly"]

    assert read(json.dumps(data), "night.json") == replace(NIGHT, last_nightly=None)


def test_a_good_run_is_short() -> None:
    assert render(GOOD, "short") == "Status: √ 1 passed in 1.2 s\n"


@pytest.mark.parametrize("form", ["text", "short", "md", "nagios"])
def test_what_was_not_the_real_thing_is_said_with_the_sum(form: str) -> None:
    k3s = replace(NODES, check="K8S-13", found="active, v1.36.3+k3s1 (k3s stand-in)")
    cards = replace(NODES, check="GPU-01", found="2x intel A770 (simulated)")

    said = render(replace(GOOD, findings=(NODES, k3s, cards)), form, width=100)

    assert "3 passed (k3s stand-in, simulated)" in said
    assert "(k3s stand-in)" in render(replace(GOOD, findings=(k3s,)), form, width=100)


@pytest.mark.parametrize("form", ["json", "junit"])
def test_what_was_not_the_real_thing_is_said_with_its_finding(form: str) -> None:
    k3s = replace(NODES, check="K8S-13", found="active, v1.36.3+k3s1 (k3s stand-in)")

    assert "v1.36.3+k3s1 (k3s stand-in)" in render(replace(GOOD, findings=(k3s,)), form, width=100)


def test_a_success_says_what_was_found_and_what_was_wanted() -> None:
    assert render(GOOD, "text", width=100) == (
        "kubernetes\n"
        "----------\n"
        "√ K8S-01 Exactly the inventory's nodes are Ready  found 2/2 Ready, wanted cp1 and w1 Ready\n"
        "\n"
        "Status: √ 1 passed in 1.2 s\n"
    )


def test_a_narrow_screen_moves_the_evidence_below_its_title() -> None:
    assert render(GOOD, "text", width=44).splitlines()[2:5] == [
        "√ K8S-01 Exactly the inventory's nodes are Ready",
        "    found 2/2 Ready, wanted cp1 and w1 Ready",
        "",
    ]


def test_no_line_is_wider_than_the_screen_but_a_title_and_a_diff() -> None:
    long = replace(INOTIFY, found="word " * 40, detail="word " * 40, remedy="word " * 40)

    lines = render(replace(NIGHT, findings=(long,), rows=()), "text", width=72).splitlines()

    assert [line for line in lines if len(line) > 72] == []


def test_colours_touch_the_signs_only() -> None:
    lines = render(GOOD, "text", width=100, color=True).splitlines()

    assert lines[2].startswith("\x1b[32m√\x1b[0m K8S-01 Exactly")
    assert lines[4] == "Status: \x1b[32m√\x1b[0m 1 passed in 1.2 s"


def test_the_document_follows_its_schema() -> None:
    for report in (NIGHT, GOOD):
        jsonschema.validate(json.loads(render(report, "json")), schema())


def test_a_document_reads_back_as_the_report_it_was() -> None:
    again = read(render(NIGHT, "json"), "night.json")

    assert render(again, "json") == render(NIGHT, "json")
    assert again.findings == NIGHT.findings
    assert again.rows == NIGHT.rows
    assert again.since == NIGHT.since


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 1, "findings": 3}']
)
def test_half_a_document_is_never_read_as_a_run(text: str) -> None:
    with pytest.raises(RunError, match=r"^night\.json is not a whole report of slipway: "):
        read(text, "night.json")


def test_a_document_from_before_rows_could_be_accepted_or_the_clusters_is_read() -> None:
    data = json.loads(render(NIGHT, "json"))
    for row in data["rows"]:
        del row["ignored"], row["of_cluster"]

    rows = read(json.dumps(data), "night.json").rows
    assert [(row.ignored, row.of_cluster) for row in rows] == [(None, False), (None, False)]


def test_a_document_of_another_version_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        read('{"schema_version": 2}', "night.json")

    assert str(caught.value) == "night.json is a report of schema version 2, this slipway reads 1"


def test_what_a_terminal_prints_does_not_break_the_xml() -> None:
    odd = replace(INOTIFY, found="\x1b[31m<&>\x00", detail="a\x08b")

    document = fromstring(render(replace(NIGHT, findings=(odd,)), "junit"))  # noqa: S314 - our own text
    failure = document.find(".//failure")

    assert failure is not None
    assert failure.get("message") == "found [31m<&>, wanted >= 1024"
    assert failure.text == "ab\nfix: sysctl --system"


def test_a_page_escapes_what_hosts_say_and_loads_nothing() -> None:
    odd = replace(INOTIFY, found="<script>alert(1)</script>")

    page = render(replace(NIGHT, findings=(odd,)), "html")

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_a_page_shows_how_a_check_ended_in_the_runs_before() -> None:
    before = replace(NIGHT, run="20261129T031700Z-0000", findings=(replace(INOTIFY, status=Status.PASS),))

    page = render(NIGHT, "html", history=[before, NIGHT])

    assert "Bars show the last 2 runs, the newest on the right." in page
    assert 'aria-label="last 2 runs: pass, error"' in page
    assert 'aria-label="last 2 runs: absent, unavailable"' in page


def test_a_page_shows_how_an_operation_stood_in_the_runs_before_and_since_when_it_waits() -> None:
    first = replace(NIGHT, run="20261127T031700Z-0000", rows=())
    second = replace(NIGHT, run="20261128T031700Z-0000", rows=(replace(ROW, state=State.NONE),))
    third = replace(NIGHT, run="20261129T031700Z-0000", rows=(replace(ROW, state=State.ERROR),))

    page = render(NIGHT, "html", history=[first, second, third, NIGHT])

    assert 'aria-label="last 4 runs: absent, pass, error, warning"' in page
    assert "since 2026-11-29 03:17 UTC" in page


def test_markdown_has_the_runs_before_as_a_column_and_beside_an_operation() -> None:
    passed = (replace(INOTIFY, status=Status.PASS), SWAP)
    first = replace(NIGHT, run="20261128T031700Z-0000", findings=passed, rows=())
    second = replace(NIGHT, run="20261129T031700Z-0000", findings=(PATH, SWAP))

    lines = render(NIGHT, "md", history=[first, second, NIGHT]).splitlines()

    ends = {line.split(" | ")[1][:7]: line.rsplit(" | ", 1)[-1] for line in lines if line.startswith("| ")}
    assert (ends["check"], ends["HOST-08"]) == ("last 3 runs |", "√·× |")
    assert (ends["HOST-18"], ends["HOST-03"]) == ("·?? |", "√√√ |")
    assert lines.count("|---|---|---|---|---|") == 2
    assert [line for line in lines if line.startswith("- `w1` baseline") and "; last 3 runs ·‼‼)" in line]
    assert "last " not in render(NIGHT, "md", history=[NIGHT]).replace("Gone since the last run", "")


def test_the_document_has_the_runs_before_and_how_everything_stood_in_them() -> None:
    first = replace(NIGHT, run="20261129T031700Z-0000", findings=(SWAP, FAILED), rows=(), unreachable={})

    data = json.loads(render(NIGHT, "json", history=[first, NIGHT]))

    jsonschema.validate(data, schema())
    assert [(each["run"], each["verdict"], each["exit"]) for each in data["history"]["runs"]] == [
        (first.run, "error", 3),
        (NIGHT.run, "error", 6),
    ]
    stood = {(each["check"], each["host"]): each["verdicts"] for each in data["history"]["stood"]}
    assert stood["K8S-01", None] == ["error", "pass"]
    assert stood["HOST-08", "w1"] == ["absent", "error"]
    assert stood["baseline | Set kernel parameters", "w1"] == ["absent", "warning"]
    assert len(stood) == len(NIGHT.findings) + len(NIGHT.rows)
    assert "history" not in json.loads(render(NIGHT, "json", history=[NIGHT]))


def test_a_document_with_the_runs_before_is_read_as_its_own_run() -> None:
    before = replace(NIGHT, run="20261129T031700Z-0000")

    assert read(render(NIGHT, "json", history=[before]), "night.json") == read(render(NIGHT, "json"), "x")


def test_what_is_accepted_and_what_could_not_be_planned_is_in_sight_for_people() -> None:
    broken = Row("containerd", "w2", "Run containerd", State.ERROR, reason="systemd did not answer")
    report = replace(NIGHT, rows=(LABELS, broken))

    for form in ("text", "short", "md", "html"):
        shown = render(report, form)
        assert "moved in spring (until 2027-03-31)" in shown, form
        assert "systemd did not answer" in shown, form
    assert report.exit_code() == 6
    assert replace(report, unreachable={}, findings=(NODES,)).exit_code() == 3


def test_metrics_escape_a_label() -> None:
    odd = Finding('A"\\\n', None, Status.PASS)

    assert 'check="A\\"\\\\\\n"' in render(replace(GOOD, findings=(odd,)), "prometheus")


def samples(report: Report, name: str) -> list[str]:
    return [line for line in render(report, "prometheus").splitlines() if line.startswith(f"{name}{{")]


def test_metrics_say_nothing_of_a_node_whose_plan_was_not_seen() -> None:
    done = replace(ROW, state=State.NONE)
    cut = Row("containerd", "w1", "Run containerd", State.ERROR, reason="systemd did not answer")
    unplanned = Row("plan", "cluster", "Plan every phase", State.ERROR)
    items = 'slipway_drift_items{cluster="homelab",node="w1"}'

    assert samples(replace(NIGHT, rows=(done,)), "slipway_drift_items") == [f"{items} 0"]
    assert samples(replace(NIGHT, rows=(ROW, cut)), "slipway_drift_items") == [f"{items} 1"]
    assert samples(replace(NIGHT, rows=(done, cut, unplanned)), "slipway_drift_items") == []


def test_a_night_after_no_success_says_so_and_who_knows_no_other_run_says_nothing() -> None:
    verified = replace(GOOD, findings=(replace(NODES, status=Status.UNAVAILABLE),))

    assert samples(replace(verified, verb="drift"), "slipway_last_success_timestamp_seconds") == [
        'slipway_last_success_timestamp_seconds{cluster="homelab",verb="drift"} 0'
    ]
    assert samples(verified, "slipway_last_success_timestamp_seconds") == []


def test_a_run_without_findings_never_passes() -> None:
    empty = replace(GOOD, findings=())

    assert empty.exit_code() == 3
    assert render(empty, "text") == "nothing was checked\nStatus: × 0 passed in 1.2 s\n"
    assert render(empty, "nagios").startswith("SLIPWAY CRITICAL - homelab verify: 0 passed|")
    assert exit_code(empty, "nagios") == 2


UNREAD = replace(NODES, status=Status.UNAVAILABLE)
FAILED = replace(NODES, status=Status.FAIL)


@pytest.mark.parametrize(
    ("report", "code", "strict"),
    [
        (GOOD, 0, 0),
        (replace(GOOD, findings=(FAILED,)), 3, 3),
        (replace(GOOD, findings=(UNREAD,)), 3, 3),
        (replace(GOOD, findings=(replace(UNREAD, severity=Severity.WARNING),)), 0, 4),
        (replace(GOOD, findings=(replace(FAILED, severity=Severity.WARNING),)), 0, 4),
        (replace(GOOD, findings=(replace(FAILED, severity=Severity.INFO),)), 0, 0),
        (replace(GOOD, findings=(replace(FAILED, ignored="until spring"),)), 0, 4),
        (replace(GOOD, findings=(replace(UNREAD, ignored="until spring"),)), 0, 4),
        (replace(GOOD, rows=NIGHT.rows), 5, 5),
        (replace(GOOD, rows=(LABELS,)), 0, 4),
        (replace(GOOD, rows=(LABELS,), findings=()), 0, 4),
        (replace(GOOD, rows=NIGHT.rows, findings=(FAILED,)), 3, 3),
        (replace(GOOD, unreachable={"w1": "no route"}), 6, 6),
        (replace(GOOD, unreachable={"w1": "no route"}, findings=(FAILED,), rows=NIGHT.rows), 6, 6),
    ],
)
def test_the_exit_code_is_the_worst_that_holds(report: Report, code: int, strict: int) -> None:
    assert (report.exit_code(), report.exit_code(strict=True)) == (code, strict)


@pytest.mark.parametrize(
    ("report", "word", "code"),
    [
        (GOOD, "OK", 0),
        (replace(GOOD, rows=NIGHT.rows), "WARNING", 1),
        (replace(GOOD, findings=(replace(FAILED, severity=Severity.WARNING),)), "WARNING", 1),
        (replace(GOOD, rows=NIGHT.rows, findings=(FAILED,)), "CRITICAL", 2),
        (replace(GOOD, findings=(UNREAD,)), "UNKNOWN", 3),
        (replace(GOOD, findings=(replace(UNREAD, ignored="until spring"),)), "WARNING", 1),
        (replace(GOOD, unreachable={"w1": "no route"}), "UNKNOWN", 3),
    ],
)
def test_a_plugin_exits_with_what_it_says(report: Report, word: str, code: int) -> None:
    assert render(report, "nagios").startswith(f"SLIPWAY {word} - ")
    assert exit_code(report, "nagios") == exit_code(report, Format.NAGIOS, strict=True) == code


@pytest.mark.parametrize("status", [Status.FAIL, Status.UNAVAILABLE])
def test_what_somebody_accepts_is_a_warning_in_every_format(status: Status) -> None:
    accepted = replace(GOOD, findings=(replace(NODES, status=status, found="no answer", ignored="till May"),))

    assert accepted.exit_code() == 0
    data = json.loads(render(accepted, "json"))
    assert (data["verdict"], data["counts"]["warning"], data["counts"]["unavailable"]) == ("warning", 1, 0)
    for form in ("text", "short", "md"):
        assert "‼" in render(accepted, form), form
        assert "till May" in render(accepted, form), form
    assert '<span class="sign warning"' in render(accepted, "html")
    assert "} 1" in next(each for each in render(accepted, "prometheus").splitlines() if "K8S-01" in each)
    suite = fromstring(render(accepted, "junit"))  # noqa: S314 - our own text
    assert [suite.find(f".//{bad}") for bad in ("failure", "error")] == [None, None]
    assert "ignored: till May" in (suite.findtext(".//system-out") or "")


def test_every_format_has_a_renderer() -> None:
    assert all(render(NIGHT, form) for form in Format)
