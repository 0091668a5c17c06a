"""A report as Markdown, for an issue's body or a job's summary."""

from __future__ import annotations

from collections.abc import Sequence

from checks.finding import Finding
from checks.report.folding import Fold, folded
from checks.report.phrases import age, causes, evidence, glyph, reason, summary, where
from checks.report.report import Report, key, row_key, verdict
from deploy.model.row import Row


def render(report: Report) -> str:
    """Return the sum, what needs a look with its remedy, and the rest folded away."""
    blocks = [
        f"## slipway {report.verb}: {report.cluster}",
        f"**{summary(report)}** in {report.seconds:.1f} s, run `{report.run}`",
        *(f"Unreachable: {_cell(cause)}" for cause in report.unreachable.values()),
    ]
    problems, (alone, folds) = report.problems, folded(report)
    if problems:
        blocks += [_table(report, alone, folds), *_remedies(alone)]
    if report.told:
        blocks += ["### What an apply would change", *(_row(report, row) for row in report.told)]
    if report.gone:
        gone = [f"- {each.check} {report.titles.get(each.check, '')} ({where(each)})" for each in report.gone]
        blocks.append("\n".join(["### Gone since the last run", "", *gone]))
    others = [each for each in report.findings if each not in problems]
    if others:
        hidden = f"<details><summary>{len(others)} passed or skipped</summary>"
        blocks += [hidden, _table(report, others), "</details>"]
    return "\n\n".join(blocks) + "\n"


def _table(report: Report, findings: Sequence[Finding], folds: Sequence[Fold] = ()) -> str:
    head = ["| | check | where | what |", "|---|---|---|---|"]
    rows = [
        (each, f"{each.check} {report.titles.get(each.check, '')}".rstrip(), where(each)) for each in findings
    ]
    rows += [(each.like, each.label, "; ".join(map(": ".join, each.places))) for each in folds]
    lines = [
        f"| {glyph(each)} | {_cell(label)} | {place} | {_cell(_said(report, each))} |"
        for each, label, place in rows
    ]
    return "\n".join([*head, *lines])


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
    lines = [f"- **{each.check}** ({where(each)}, {verdict(each)}): {each.remedy}" for each in told]
    return ["### What to do\n\n" + "\n".join(lines)] if lines else []


def _row(report: Report, row: Row) -> str:
    since = age(report, row_key(row))
    said = "; ".join(part for part in (reason(row), since and f"since {since}") if part)
    lines = [f"- `{row.host}` {row.phase}: {row.operation}" + (f" ({said})" if said else "")]
    if row.diff:
        lines += ["", "  ```diff", *(f"  {line}" for line in row.diff.splitlines()), "  ```"]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
