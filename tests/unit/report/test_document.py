"""A report as JSON, and back, also as older releases wrote it."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
from night import GOOD, NIGHT

from checks.report import render
from checks.report.document import read, schema
from deploy.errors import RunError


def test_the_document_follows_its_schema() -> None:
    for report in (NIGHT, GOOD):
        jsonschema.validate(json.loads(render(report, "json")), schema())


def test_a_document_reads_back_as_the_report_it_was() -> None:
    again = read(render(NIGHT, "json"), "night.json")

    assert render(again, "json") == render(NIGHT, "json")
    assert again.findings == NIGHT.findings
    assert again.rows == NIGHT.rows
    assert again.since == NIGHT.since


def test_a_document_keeps_which_hooks_failed() -> None:
    untold = replace(NIGHT, hook_failed={"command": True, "webhook": False})
    data = json.loads(render(untold, "json"))

    jsonschema.validate(data, schema())
    assert read(json.dumps(data), "night.json").hook_failed == untold.hook_failed
    del data["hook_failed"]  # as older releases wrote it
    assert read(json.dumps(data), "night.json").hook_failed == {}


def test_a_document_with_the_runs_before_is_read_as_its_own_run() -> None:
    before = replace(NIGHT, run="20261129T031700Z-0000")

    assert read(render(NIGHT, "json", history=[before]), "night.json") == read(render(NIGHT, "json"), "x")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 1, "findings": 3}']
)
def test_half_a_document_is_never_read_as_a_run(text: str) -> None:
    with pytest.raises(RunError, match=r"^night\.json is not a whole report of slipway: "):
        read(text, "night.json")


def test_a_document_of_another_version_is_refused() -> None:
    with pytest.raises(RunError) as caught:
        read('{"schema_version": 2}', "night.json")

    assert str(caught.value) == "night.json is a report of schema version 2, this slipway reads 1"


def test_a_report_of_before_there_were_causes_is_read() -> None:
    data = json.loads(render(NIGHT, "json"))
    for each in data["findings"]:
        del each["because"]

    assert [each.because for each in read(json.dumps(data), "night.json").findings if each.because] == []


def test_a_document_from_before_nights_were_told_from_other_runs_is_read() -> None:
    data = json.loads(render(NIGHT, "json"))
    del data["last_nightly"]

    assert read(json.dumps(data), "night.json") == replace(NIGHT, last_nightly=None)


def test_a_document_from_before_rows_could_be_accepted_or_the_clusters_is_read() -> None:
    data = json.loads(render(NIGHT, "json"))
    for row in data["rows"]:
        del row["ignored"], row["of_cluster"]

    rows = read(json.dumps(data), "night.json").rows
    assert [(row.ignored, row.of_cluster) for row in rows] == [(None, False), (None, False)]
