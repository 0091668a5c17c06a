from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.load import chart, page
from deploy.load.chart import Chart, Mark
from deploy.load.compare import changes
from deploy.load.level import Load
from tests.unit.browser import corner, in_both_schemes, needs_browser
from tests.unit.load.samples import FOUR, ONE, RATED, level, run, sample

MADE = run(ONE, FOUR, RATED, about="dummy weights, CPU")


def test_a_picture_stands_on_zero_and_has_a_place_for_every_level() -> None:
    output, first, *_ = chart.charts(run(ONE, FOUR))

    assert output == Chart(
        "Output",
        "tokens/s",
        ticks=((182, "0"), (141.5, "2"), (101.0, "4"), (60.5, "6"), (20.0, "8")),
        names=((120.5, "1"), (273.5, "4")),
        marks=(
            Mark(120.5, "1 client", (36.7,), "7.17", "1 client: 7.2 tokens/s"),
            Mark(273.5, "4 clients", (40.6,), "6.98", "4 clients: 7.0 tokens/s"),
        ),
        ranges=False,
        named=True,
    )
    assert first.marks[0] == Mark(
        120.5,
        "1 client",
        (131.4, 121.2, 121.2, 121.2),
        "500",
        "1 client: p50 500.0 ms, p90 600.0 ms, p95 600.0 ms, p99 600.0 ms",
    )


def test_a_saved_runs_marks_stand_beside() -> None:
    [output, *_] = chart.charts(run(ONE), run(level(Load(clients=1), sample(0), sample(0))))

    assert [(mark.x, mark.value, mark.before) for mark in output.marks] == [
        (190.0, "14.7", True),
        (204.0, "7.17", False),
    ]


def test_tokens_that_nobody_counted_are_not_drawn_as_none() -> None:
    assert [(each.title, each.unit) for each in chart.charts(run(RATED))] == [
        ("Output", "requests/s"),
        ("Time to first token", "ms"),
        ("Time between tokens", "ms"),
        ("Whole answer", "ms"),
    ]


@pytest.mark.parametrize(
    ("most", "step"), [(0, 1), (0.004, 0.001), (7.2, 2), (8, 2), (8.1, 2.5), (100, 25), (100_000, 25_000)]
)
def test_steps_are_round(most: float, step: float) -> None:
    assert chart.tick_step(most) == pytest.approx(step)


def test_a_page_needs_nothing_from_elsewhere_and_keeps_a_servers_words_text() -> None:
    hostile = FOUR.model_copy(update={"said": {"HTTP 503": "<script>alert(1)</script>"}})
    before = run(ONE)
    made = run(ONE, hostile).model_copy(update={"compared": changes(before, run(ONE), 0.1)})
    html = page.render(made, before)

    assert re.findall(r"(?:src|href|url)\s*[=(]|<script|@import|<link", html) == []
    assert "2 x HTTP 503: &lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("<svg") == 4
    assert "Beside the saved run" in html


def test_a_page_of_nothing_says_so() -> None:
    html = page.render(run(interrupted=True))

    assert "<p>Nothing was measured.</p>" in html
    assert "<svg" not in html


@needs_browser
@in_both_schemes
def test_the_page_is_light_or_dark_as_the_reader_wants_it(
    tmp_path: Path, scheme: int, expected: tuple[int, ...]
) -> None:
    assert corner(tmp_path, page.render(MADE), scheme) == expected
