"""A report as Markdown, for an issue's body or a job's summary."""

from __future__ import annotations

from collections.abc import Sequence

from checks.finding import Finding
from checks.report.folding import Fold, folded
from checks.report.phrases import GLYPHS, age, causes, evidence, glyph, reason, summary, where
from checks.report.report import QUIET, Key, Report, key, row_key, verdict
from checks.report.strips import ABSENT, Run, last_runs
from deploy.model.row import Row

SIGNS = {str(kind): sign for kind, sign in GLYPHS.items()} | {ABSENT: "·"}


def render(report: Report, history: Sequence[Report] = ()) -> str:
    """Return the sum, what needs a look with its remedy, and the rest folded away.

    `history` holds the runs of the same verb, oldest first: how each check stood in them is a column.
    """
    runs = last_runs(report, history)
    blocks = [
        f"## slipway {report.verb}: {report.cluster}",
        f"**{summary(report)}** in {report.seconds:.1f} s, run `{report.run}`",
        *(f"Unreachable: {_inline(cause)}" for cause in report.unreachable.values()),
    ]
    alone, folds = folded(report)
    if alone or folds:
        blocks += [_table(report, runs, alone, folds), *_remedies(alone)]
    if report.told:
        blocks += ["### What an apply would change", *(_row(report, runs, row) for row in report.told)]
    if report.gone:
        gone = [f"- {each.check} {report.titles.get(each.check, '')} ({where(each)})" for each in report.gone]
        blocks.append("\n".join(["### Gone since the last run", "", *gone]))
    others = [each for each in report.findings if verdict(each) in QUIET]
    if others:
        hidden = f"<details><summary>{len(others)} passed or skipped</summary>"
        blocks += [hidden, _table(report, runs, others), "</details>"]
    return "\n\n".join(blocks) + "\n"


def _table(
    report: Report, runs: Sequence[Run], findings: Sequence[Finding], folds: Sequence[Fold] = ()
) -> str:
    more = (f" last {len(runs)} runs |", "---|") if runs else ("", "")
    lines = [f"| | check | where | what |{more[0]}", f"|---|---|---|---|{more[1]}"]
    for each in findings:
        name = f"{each.check} {report.titles.get(each.check, '')}"
        lines.append(_line(report, runs, each, name, where(each), [each]))
    for fold in folds:
        places = "; ".join(map(": ".join, fold.places))
        lines.append(_line(report, runs, fold.like, fold.label, places, fold.findings))
    return "\n".join(lines)


def _line(
    report: Report, runs: Sequence[Run], like: Finding, name: str, place: str, told: Sequence[Finding]
) -> str:
    cells = [glyph(like), _cell(name), place, _cell(_said(report, like))]
    if runs:
        cells.append(_strip(runs, *map(key, told)))
    return f"| {' | '.join(cells)} |"


def _strip(runs: Sequence[Run], *keys: Key) -> str:
    return "".join(SIGNS[run.of(*keys)] for run in runs)


def _said(report: Report, finding: Finding) -> str:
    since = age(report, key(finding))
    because = causes(finding)
    parts = [
        evidence(finding),
        because and f"likely because of {because}",
        since and f"since {since}",
        finding.ignored,
    ]
    return "; ".join(part for part in parts if part)


def _remedies(problems: Sequence[Finding]) -> list[str]:
    told = [each for each in problems if each.remedy]
    lines = [f"- **{each.check}** ({where(each)}, {verdict(each)}): {_inline(each.remedy)}" for each in told]
    return ["### What to do\n\n" + "\n".join(lines)] if lines else []


def _row(report: Report, runs: Sequence[Run], row: Row) -> str:
    since = age(report, row_key(row))
    stood = runs and f"last {len(runs)} runs {_strip(runs, row_key(row))}"
    said = "; ".join(part for part in (_inline(reason(row)), since and f"since {since}", stood) if part)
    lines = [f"- `{row.host}` {row.phase}: {row.operation}" + (f" ({said})" if said else "")]
    if row.diff:
        lines += ["", "  ```diff", *(f"  {line}" for line in row.diff.splitlines()), "  ```"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return _inline(text).replace("|", "\\|")


def _inline(text: str) -> str:
    """Return a text that stays in its line, and shows its <words> where a reader's HTML would hide them."""
    return text.replace("\n", " ").replace("<", "&lt;")
