"""What one cause keeps from being judged, or brings down alike, is told together, over all hosts: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from checks.finding import Finding, Status
from checks.report.phrases import where
from checks.report.report import Report, key, verdict

FEWEST = 3
"""From this many on findings are told together: two are as short one by one, and say more."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Findings that are told together; `like` is one of them with what they all have in common."""

    findings: tuple[Finding, ...]
    like: Finding

    @property
    def label(self) -> str:
        """Return how many they are: `26 checks`."""
        return f"{len(self.findings)} checks"

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Return (hosts, ids); hosts of which the same checks are told are named together."""
        ids: dict[str, dict[str, None]] = {}
        for each in self.findings:
            ids.setdefault(where(each), {})[each.check] = None
        hosts: dict[str, list[str]] = {}
        for host, checks in ids.items():
            hosts.setdefault(", ".join(checks), []).append(host)
        return tuple((", ".join(names), checks) for checks, names in hosts.items())


def folded(report: Report) -> tuple[list[Finding], list[Fold]]:
    """Return what an operator should look at: what is told by itself, and what is told together.

    Together is what has the same causes, or where none is known the same reason, and nothing of its own to
    say: neither a date, nor an acceptance, nor a detail. What failed says what was found, so that is the
    same as well; without a known cause each may have one of its own, and a remedy.
    """
    reasons: dict[object, list[Finding]] = {}
    for each in report.problems:
        if each.status is Status.UNAVAILABLE or each.because:
            reasons.setdefault(_reason(report, each), []).append(each)
    folds = [_fold(group) for group in reasons.values() if len(group) >= FEWEST]
    together = {each for fold in folds for each in fold.findings}
    return [each for each in report.problems if each not in together], folds


def _reason(report: Report, finding: Finding) -> object:
    failed = finding.status is Status.FAIL
    said = (finding.found, finding.wanted) if failed or not finding.because else ()
    detail = finding.detail if finding.detail != finding.found else ""
    return verdict(finding), finding.because, said, report.since.get(key(finding)), finding.ignored, detail


def _fold(findings: Sequence[Finding]) -> Fold:
    """Put them together; where they differ in what was found, their common cause says more than each does.

    Nothing mends them but what mends that.
    """
    first = findings[0]
    found = first.found if all(each.found == first.found for each in findings) else ""
    return Fold(tuple(findings), replace(first, found=found, remedy=""))
