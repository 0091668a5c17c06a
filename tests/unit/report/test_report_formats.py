"""Every format, whole, of one night with everything in it."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from night import GOOD, INOTIFY, LABELS, NIGHT, NODES, PATH, ROW

from checks.finding import Finding, Status
from checks.report import Format, render
from deploy.model.row import Row, State

EXPECTED = Path(__file__).parent / "expected"
WHOLE = ("text", "short", "json", "junit", "md", "prometheus", "nagios")


@pytest.mark.parametrize("form", WHOLE)
def test_a_night_reads_as_it_should(form: str) -> None:
    assert render(NIGHT, form, width=100) == (EXPECTED / f"night.{form}").read_text()


def test_the_page_says_what_a_fault_comes_from() -> None:
    assert "likely because of HOST-00 (w2), K8S-14 (cluster)" in render(NIGHT, "html")


def test_the_page_leads_to_a_cause_that_it_shows() -> None:
    down = Finding("K8S-14", None, Status.FAIL, found="connection refused", group="kubernetes")

    page = render(replace(NIGHT, findings=(PATH, down)), "html")

    assert 'likely because of HOST-00 (w2), <a href="#K8S-14.cluster">K8S-14 (cluster)</a>' in page
    assert page.count('id="K8S-14.cluster"') == 1


def test_a_good_run_is_short() -> None:
    assert render(GOOD, "short") == "Status: √ 1 passed in 1.2 s\n"


@pytest.mark.parametrize("form", ["text", "short", "md", "nagios"])
def test_what_was_not_the_real_thing_is_said_with_the_sum(form: str) -> None:
    k3s = replace(NODES, check="K8S-13", found="active, v1.36.3+k3s1 (k3s stand-in)")
    cards = replace(NODES, check="GPU-01", found="2x intel A770 (simulated)")

    said = render(replace(GOOD, findings=(NODES, k3s, cards)), form, width=100)

    assert "3 passed (k3s stand-in, simulated)" in said
    assert "(k3s stand-in)" in render(replace(GOOD, findings=(k3s,)), form, width=100)


@pytest.mark.parametrize("form", ["text", "short", "md", "html", "nagios"])
def test_that_nobody_could_be_told_is_said_with_the_sum_and_is_a_warning(form: str) -> None:
    untold = render(replace(GOOD, hook_failed={"command": True, "webhook": False}), form, width=100)

    assert "1 passed, nobody was told by the command" in untold
    assert "webhook" not in untold
    assert "nobody was told" not in render(replace(GOOD, hook_failed={"command": False}), form, width=100)


def test_markdown_keeps_what_hosts_say_in_its_line_and_shows_all_of_it() -> None:
    evil = "one |\n# <two>"
    odd = replace(INOTIFY, found=evil, wanted="", remedy=evil)
    row = replace(ROW, reason=evil, diff=None)

    lines = render(replace(NIGHT, findings=(odd,), rows=(row,), unreachable={"w2": evil}), "md").splitlines()

    assert [line for line in lines if line.startswith("# ")] == []
    assert sum("one | # &lt;two>" in line for line in lines) == 3
    assert sum(r"one \| # &lt;two>" in line for line in lines) == 1


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


def test_what_a_terminal_prints_does_not_break_the_xml() -> None:
    odd = replace(INOTIFY, found="\x1b[31m<&>\x00", detail="a\x08b")

    document = fromstring(render(replace(NIGHT, findings=(odd,)), "junit"))  # noqa: S314 - our own text
    failure = document.find(".//failure")

    assert failure is not None
    assert failure.get("message") == "found [31m<&>, wanted >= 1024"
    assert failure.text == "ab\nfix: sysctl --system"


@pytest.mark.parametrize("form", ["text", "short", "md", "html", "junit"])
def test_no_host_moves_the_cursor_of_whoever_reads_a_report(form: str) -> None:
    evil = "\x1b[2J\x1b]0;name\x07\r\x08\x7f\x9b31m"
    odd = replace(INOTIFY, found=evil, wanted=evil, detail=f"{evil}\n{evil}", remedy=evil, ignored=evil)
    row = replace(ROW, diff=f"+\tgood{evil}", reason=evil)
    lost = {"w2": f"w2: {evil}"}

    shown = render(
        replace(NIGHT, findings=(odd, PATH), rows=(row,), gone=(odd,), unreachable=lost), form, width=100
    )

    assert {char for char in shown if unicodedata.category(char) == "Cc"} == {"\n", "\t"}
    assert "+\tgood[2J" in shown


def test_a_page_escapes_what_hosts_say_and_loads_nothing() -> None:
    odd = replace(INOTIFY, found="<script>alert(1)</script>")

    page = render(replace(NIGHT, findings=(odd,)), "html")

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_what_is_accepted_and_what_could_not_be_planned_is_in_sight_for_people() -> None:
    broken = Row("containerd", "w2", "Run containerd", State.ERROR, reason="systemd did not answer")
    report = replace(NIGHT, rows=(LABELS, broken))

    for form in ("text", "short", "md", "html"):
        shown = render(report, form)
        assert "moved in spring (until 2027-03-31)" in shown, form
        assert "systemd did not answer" in shown, form
    assert report.exit_code() == 6
    assert replace(report, unreachable={}, findings=(NODES,)).exit_code() == 3


@pytest.mark.parametrize("form", ["text", "short", "md", "html"])
def test_an_operation_with_nothing_to_do_is_not_among_those_that_an_apply_would_do(form: str) -> None:
    done = replace(ROW, state=State.NONE, reason=None, diff=None)

    shown = render(replace(NIGHT, rows=(done,)), form)

    assert "Set kernel parameters" not in shown
    assert "what an apply would change" not in shown.lower()


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
