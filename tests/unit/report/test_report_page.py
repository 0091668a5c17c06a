"""The page in a real browser, where there is one: it follows the reader's colours."""

from __future__ import annotations

from pathlib import Path

from night import NIGHT

from checks.report import render
from tests.unit.browser import corner, in_both_schemes, needs_browser


@needs_browser
@in_both_schemes
def test_the_page_is_light_or_dark_as_the_reader_wants_it(
    tmp_path: Path, scheme: int, expected: tuple[int, ...]
) -> None:
    assert corner(tmp_path, render(NIGHT, "html", history=[NIGHT]), scheme) == expected
