"""One door to every format of a report."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from checks.report import document, junit, markdown, metrics, nagios, text
from checks.report.printable import shown
from checks.report.report import Report


class Format(StrEnum):
    """What `-o` takes."""

    TEXT = "text"
    SHORT = "short"
    JSON = "json"
    JUNIT = "junit"
    MD = "md"
    HTML = "html"
    PROMETHEUS = "prometheus"
    NAGIOS = "nagios"


def render(
    report: Report,
    form: Format | str,
    *,
    width: int = 100,
    color: bool = False,
    history: Sequence[Report] = (),
) -> str:
    """Return a report in a format; width (columns) and colour matter to people's.

    `history` holds runs of the same verb, oldest first, which JSON, Markdown and HTML show beside it.
    JSON alone, which escapes them, has the control characters in what hosts said.
    """
    clean = shown(report)
    match Format(form):
        case Format.TEXT:
            return text.render(clean, width=width, color=color)
        case Format.SHORT:
            return text.render_short(clean, width=width, color=color)
        case Format.JSON:
            return document.render(report, history)
        case Format.JUNIT:
            return junit.render(clean)
        case Format.MD:
            return markdown.render(clean, history)
        case Format.HTML:
            from checks.report import page  # jinja2 takes 0.1 s to import, and only a page needs it

            return page.render(clean, history)
        case Format.PROMETHEUS:
            return metrics.render(report)
        case Format.NAGIOS:
            return nagios.render(report)


def exit_code(report: Report, form: Format | str, *, strict: bool = False) -> int:
    """Return what a verb exits with that showed a report in a format."""
    return nagios.code(report) if form == Format.NAGIOS else report.exit_code(strict=strict)
