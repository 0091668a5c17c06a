"""How everything stood in the runs before, in each format that shows it."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
from night import INOTIFY, NIGHT, NODES, PATH, ROW, SWAP

from checks.finding import Status
from checks.report import render
from checks.report.document import schema
from deploy.model.row import State


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
    failed = replace(NODES, status=Status.FAIL)
    first = replace(NIGHT, run="20261129T031700Z-0000", findings=(SWAP, failed), rows=(), unreachable={})

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
