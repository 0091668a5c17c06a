"""A report as one HTML page that needs nothing else: light and dark, and readable on a telephone."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace

from checks.finding import Finding
from checks.report.folding import Fold, folded
from checks.report.phrases import GLYPHS, age, cause, evidence, heading, overall, summary, where
from checks.report.report import Key, Report, Verdict, key, row_key, verdict
from checks.report.strips import STOOD, Run, last_runs
from deploy.model.row import Row
from deploy.render import page


@dataclass(frozen=True, slots=True)
class Line:
    """A finding as the page shows it, or several that are told together.

    `causes` holds (name, place on the page or nothing), `strip` (verdict, moment) of the runs, oldest first,
    `places` (hosts, ids) of what is told together.
    """

    finding: Finding
    name: str
    kind: Verdict
    sign: str
    title: str
    where: str
    said: str
    place: str
    causes: tuple[tuple[str, str], ...]
    since: str
    strip: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A pending operation as the page shows it, in the same way."""

    row: Row
    kind: Verdict
    sign: str
    since: str
    strip: tuple[tuple[str, str], ...]


def render(report: Report, history: Sequence[Report] = ()) -> str:
    """Return the page; `history` holds the runs of the same verb, oldest first, this one last or not."""
    runs = last_runs(report, history)
    alone, folds = folded(report)
    shown = {key(each) for each in alone}
    problems = [_line(report, each, runs, shown) for each in alone]
    problems += [_fold(report, each, runs, shown) for each in folds]
    groups = [
        (heading(group, host), [_line(report, each, runs) for each in findings])
        for group, host, findings in report.groups
    ]
    return page(
        "report/report.html.j2",
        report=report,
        overall=overall(report),
        sign=GLYPHS[overall(report)],
        summary=summary(report),
        problems=problems,
        groups=groups,
        told=[_told(report, each, runs) for each in report.told],
        gone=[_line(report, each, runs) for each in report.gone],
        runs=runs,
    )


def _strip(runs: Sequence[Run], *keys: Key) -> tuple[tuple[str, str], ...]:
    return tuple((run.of(*keys), f"{run.report.started:%Y-%m-%d %H:%M}") for run in runs)


def _place(check: str, host: str | None) -> str:
    return f"{check}.{host or 'cluster'}"


def _line(report: Report, finding: Finding, runs: Sequence[Run], shown: Set[Key] = frozenset()) -> Line:
    """Return a finding's line, which leads to those of its causes that are `shown`."""
    return Line(
        finding=finding,
        name=finding.check,
        kind=verdict(finding),
        sign=GLYPHS[verdict(finding)],
        title=report.titles.get(finding.check, ""),
        where=where(finding),
        said=evidence(finding),
        place=_place(*key(finding)),
        causes=tuple((cause(each), _place(*each) if each in shown else "") for each in finding.because),
        since=age(report, key(finding)),
        strip=_strip(runs, key(finding)),
    )


def _fold(report: Report, fold: Fold, runs: Sequence[Run], shown: Set[Key]) -> Line:
    """Return one line for what is told together; each check has its own below."""
    return replace(
        _line(report, fold.like, runs, shown),
        name=fold.label,
        title="",
        where="",
        place="",
        places=fold.places,
        strip=_strip(runs, *map(key, fold.findings)),
    )


def _told(report: Report, row: Row, runs: Sequence[Run]) -> Told:
    kind = STOOD[row.state]
    return Told(
        row=row,
        kind=kind,
        sign=GLYPHS[kind],
        since=age(report, row_key(row)),
        strip=_strip(runs, row_key(row)),
    )
