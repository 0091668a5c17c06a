"""A report for people: every finding in groups, or only what needs a look."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from checks.finding import Finding, Status
from checks.report.folding import Fold, folded
from checks.report.phrases import GLYPHS, age, causes, evidence, glyph, heading, overall, summary, where
from checks.report.report import QUIET, Report, Verdict, key, row_key, verdict
from deploy.model.row import Row, State

_COLORS = {
    Verdict.ERROR: "31",
    Verdict.WARNING: "33",
    Verdict.UNAVAILABLE: "35",
    Verdict.NOTE: "36",
    Verdict.PASS: "32",
    Verdict.SKIPPED: "2",
}
_INDENT = "    "


def render(report: Report, *, width: int, color: bool) -> str:
    """Return every finding, grouped by what it is about and the host; what is told together comes last."""
    _, folds = folded(report)
    together = {each for fold in folds for each in fold.findings}
    sections = [
        (heading(group, host), [each for each in findings if each not in together])
        for group, host, findings in report.groups
    ]
    blocks = [_section(report, title, alone, width, color) for title, alone in sections if alone]
    blocks += _together(report, folds, width, color)
    return "\n\n".join([*blocks, *_rows(report, width), *_gone(report), _status(report, color)]) + "\n"


def render_short(report: Report, *, width: int, color: bool) -> str:
    """Return the findings that need a look, each with its host, and the sum."""
    alone, folds = folded(report)
    labels = [f"{where(each)}: {_label(report, each)}" for each in alone]
    column = _column([*labels, *(fold.label for fold in folds)], width)
    lines = [
        line
        for each, label in zip(alone, labels, strict=True)
        for line in _finding(report, each, label, column, width, color)
    ]
    lines += [line for fold in folds for line in _fold(report, fold, column, width, color)]
    return (
        "\n".join([*lines, *(_row(report, row, width) for row in report.told), _status(report, color)]) + "\n"
    )


def _section(report: Report, title: str, findings: Sequence[Finding], width: int, color: bool) -> str:
    labels = [_label(report, finding) for finding in findings]
    column = _column(labels, width)
    lines = [
        line
        for finding, label in zip(findings, labels, strict=True)
        for line in _finding(report, finding, label, column, width, color)
    ]
    return _titled(title, lines)


def _together(report: Report, folds: Sequence[Fold], width: int, color: bool) -> Iterator[str]:
    titles = {Status.FAIL: "what another fault brings down", Status.UNAVAILABLE: "what cannot be judged"}
    for status, title in titles.items():
        alike = [fold for fold in folds if fold.like.status is status]
        column = _column([fold.label for fold in alike], width)
        if lines := [line for fold in alike for line in _fold(report, fold, column, width, color)]:
            yield _titled(title, lines)


def _titled(title: str, lines: Iterable[str]) -> str:
    return "\n".join([title, "-" * len(title), *lines])


def _fold(report: Report, fold: Fold, column: int, width: int, color: bool) -> Iterator[str]:
    sign = _painted(glyph(fold.like), verdict(fold.like), color)
    yield from _hung(f"{sign} ", fold.label, evidence(fold.like), column, width)
    for hosts, checks in fold.places:
        yield from _wrapped("", f"{hosts}: {checks}", width)
    yield from _besides(report, fold.like, width)


def _label(report: Report, finding: Finding) -> str:
    return f"{finding.check} {report.titles.get(finding.check, '')}".rstrip()


def _column(labels: Sequence[str], width: int) -> int:
    """Return where the evidence begins; a label longer than half a line pushes its own evidence down."""
    return max((len(label) for label in labels if len(label) <= width // 2), default=0)


def _finding(
    report: Report, finding: Finding, label: str, column: int, width: int, color: bool
) -> Iterator[str]:
    sign = _painted(glyph(finding), verdict(finding), color)
    yield from _hung(f"{sign} ", label, evidence(finding), column, width)
    if verdict(finding) in QUIET:
        return
    yield from _besides(report, finding, width)
    if finding.remedy:
        yield from _wrapped("fix: ", finding.remedy, width)
    if finding.check in report.fixable and finding.status is Status.FAIL:
        yield f"{_INDENT}or: slipway preflight INVENTORY --fix {finding.check}"
    yield f"{_INDENT}more: slipway explain {finding.check}"


def _besides(report: Report, finding: Finding, width: int) -> Iterator[str]:
    """Yield what is known of a finding besides: details, who accepts it, where it comes from, since when."""
    if finding.detail and finding.detail != finding.found:
        yield from _wrapped("", finding.detail, width)
    if finding.ignored is not None:
        yield from _wrapped("ignored: ", finding.ignored, width)
    if finding.because:
        yield from _wrapped("likely because of: ", causes(finding), width)
    if since := age(report, key(finding)):
        yield f"{_INDENT}since: {since}"


def _hung(sign: str, label: str, said: str, column: int, width: int) -> Iterator[str]:
    """Yield a label and its evidence, which continues under itself where a line is too short for it."""
    if not said:
        yield f"{sign}{label}"
        return
    start = column + 4
    room = max(width - start, 20)
    first, *others = textwrap.wrap(said, room, break_on_hyphens=False) or [""]
    if len(label) > column:
        yield f"{sign}{label}"
        yield f"{' ' * start}{first}"
    else:
        yield f"{sign}{label.ljust(column)}  {first}"
    yield from (f"{' ' * start}{line}" for line in others)


def _wrapped(lead: str, text: str, width: int) -> Iterator[str]:
    """Yield a text's own lines, indented; one that is too long continues under its beginning."""
    hanging = _INDENT + " " * len(lead)
    for number, line in enumerate(text.splitlines()):
        yield from textwrap.wrap(
            line,
            max(width, 40),
            initial_indent=hanging if number else _INDENT + lead,
            subsequent_indent=hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )


def _rows(report: Report, width: int) -> list[str]:
    if not report.told:
        return []
    return [_titled("what an apply would change", (_row(report, row, width) for row in report.told))]


def _row(report: Report, row: Row, width: int) -> str:
    sign = "×" if row.state is State.ERROR else "‼"
    lines = [f"{sign} {row.host}: {row.phase} | {row.operation}"]
    if since := age(report, row_key(row)):
        lines.append(f"{_INDENT}since: {since}")
    if row.ignored is not None:
        lines += _wrapped("ignored: ", row.ignored, width)
    lines += _wrapped("", row.reason or "", width)
    lines += [_INDENT + line for line in (row.diff or "").splitlines()]
    return "\n".join(lines)


def _gone(report: Report) -> list[str]:
    if not report.gone:
        return []
    lines = [f"√ {where(each)}: {_label(report, each)}" for each in report.gone]
    return [_titled("gone since the last run", lines)]


def _status(report: Report, color: bool) -> str:
    word = overall(report)
    lines = [f"unreachable: {cause}" for cause in report.unreachable.values()]  # which begins with the host
    if not report.findings and not report.rows:
        lines.append("nothing was checked")
    lines.append(f"Status: {_painted(GLYPHS[word], word, color)} {summary(report)} in {report.seconds:.1f} s")
    return "\n".join(lines)


def _painted(text: str, kind: Verdict, color: bool) -> str:
    return f"\x1b[{_COLORS[kind]}m{text}\x1b[0m" if color else text
