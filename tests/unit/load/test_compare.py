from __future__ import annotations

from pathlib import Path

import pytest

from deploy.errors import InventoryError
from deploy.load import compare, saved
from deploy.load.change import Change, Verdict
from deploy.load.level import Level, Load
from tests.unit.load.samples import FOUR, ONE, RATED, WORKLOAD, failed, level, run, sample

CLIENT = Load(clients=1)


def many(first: float, *, count: int = 20, **more: object) -> Level:
    return level(CLIENT, *[sample(0.0, first=first, **more) for _ in range(count)])


def verdicts(was: Level, now: Level, by: float) -> dict[str, str]:
    found = compare.changes(run(was), run(now), by)
    return {each.measure: each.verdict for each in found if each.verdict}


def test_levels_that_both_have_are_compared_number_by_number() -> None:
    found = compare.changes(run(ONE, RATED), run(FOUR, level(CLIENT, sample(0, first=0.75), sample(1))))

    assert found[:4] == (
        Change(
            load=CLIENT, measure="errors", before=0, after=0, more=False, ratio=None, verdict=Verdict.NONE
        ),
        Change(
            load=CLIENT,
            measure="output tokens/s",
            before=7.174,
            after=8.8,
            more=True,
            ratio=1.2267,
            verdict=Verdict.NONE,
        ),
        Change(
            load=CLIENT,
            measure="requests/s",
            before=0.652,
            after=0.8,
            more=True,
            ratio=1.227,
            verdict=Verdict.NONE,
        ),
        Change(
            load=CLIENT,
            measure="first token p50",
            before=0.5,
            after=0.5,
            more=False,
            ratio=1.0,
            verdict=Verdict.NONE,
        ),
    )
    assert len(found) == len(compare.MEASURES)


def test_what_is_within_the_limit_is_well() -> None:
    assert verdicts(many(0.5), many(0.52), 0.1) == {}


def test_slower_by_more_than_the_limit_is_worse() -> None:
    assert verdicts(many(0.5), many(0.6), 0.1) == {"first token p50": "worse", "first token p95": "worse"}


def test_faster_is_never_worse() -> None:
    assert verdicts(many(0.6), many(0.1), 0.0) == {}


def test_a_tail_of_a_few_requests_is_not_judged() -> None:
    assert verdicts(many(0.5), many(0.6, count=19), 0.1) == {
        "output tokens/s": "worse",
        "requests/s": "worse",
        "first token p50": "worse",
        "first token p95": "too few to judge",
        "inter-token p95": "too few to judge",
        "end to end p95": "too few to judge",
    }


def test_an_error_where_there_was_none_is_worse() -> None:
    now = level(CLIENT, *[sample(0.0) for _ in range(20)], failed(0, "HTTP 503", "overloaded"))

    assert verdicts(many(0.5), now, 0.1) == {"errors": "worse"}


def test_what_was_known_and_is_not_any_more_is_worse() -> None:
    assert verdicts(many(0.5), many(0.5, tokens=None), 0.1) == {
        "output tokens/s": "worse",
        "inter-token p50": "worse",
        "inter-token p95": "worse",
    }


def test_a_run_that_asked_something_else_is_not_compared() -> None:
    other = WORKLOAD.model_copy(update={"prompt_words": 64, "whole": False})
    with pytest.raises(InventoryError) as refused:
        compare.comparable(run(ONE, RATED), other, [Load(clients=8)])

    assert str(refused.value) == (
        "the saved run can't be compared with: prompt_words was 32 and is 64; whole was True and is False; "
        "its levels were 1 client, 2.5/s, these are 8 clients"
    )


def test_one_level_in_common_is_enough() -> None:
    compare.comparable(run(ONE, FOUR), WORKLOAD, [Load(clients=4), Load(clients=8)])


def test_a_saved_run_is_read_back_as_it_was(tmp_path: Path) -> None:
    path, made = tmp_path / "run.json", run(ONE, FOUR, RATED, about="dummy weights, CPU")

    saved.write(path, made.as_json())

    assert saved.read(path) == made
    assert [each.name for each in tmp_path.iterdir()] == ["run.json"]


def test_every_mistake_of_a_saved_run_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(
        run().as_json().replace('"schema_version": 1', '"schema_version": 2').replace("url", "uri")
    )
    with pytest.raises(InventoryError) as refused:
        saved.read(path)

    assert str(refused.value) == (
        f"{path} is no run that slipway bench saved:\n"
        "  schema_version: Input should be 1\n"
        "  url: Field required\n"
        "  uri: Extra inputs are not permitted"
    )


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(InventoryError) as refused:
        saved.read(tmp_path / "none.json")
    assert str(refused.value) == f"{tmp_path}/none.json cannot be read: No such file or directory"

    with pytest.raises(InventoryError) as refused:
        saved.write(tmp_path / "none" / "run.json", "")
    assert str(refused.value) == f"{tmp_path}/none/run.json cannot be written: No such file or directory"
