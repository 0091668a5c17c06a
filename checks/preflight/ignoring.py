"""Failures that somebody accepted: shown, and only a warning until their last day is over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date

from checks.finding import Finding, Status
from deploy.model import Ignore

ON_REQUEST = "--ignore on the command line"


def ignoring(
    findings: list[Finding], accepted: tuple[Ignore, ...], asked: Collection[str], today: date
) -> list[Finding]:
    """Return the findings with what was accepted said on them; what expired counts again and says so."""
    return [_one(finding, accepted, asked, today) for finding in findings]


def _one(finding: Finding, accepted: tuple[Ignore, ...], asked: Collection[str], today: date) -> Finding:
    if finding.status not in (Status.FAIL, Status.UNAVAILABLE):
        return finding
    if finding.check in asked:
        return replace(finding, ignored=ON_REQUEST)
    fitting = [each for each in accepted if each.check == finding.check and each.host in (None, finding.host)]
    if valid := [each for each in fitting if today <= each.expires]:
        return replace(finding, ignored=f"{valid[0].reason} (until {valid[0].expires})")
    if fitting:
        said = f"it was accepted until {fitting[-1].expires}: {fitting[-1].reason}"
        return replace(finding, detail="; ".join(part for part in (finding.detail, said) if part))
    return finding
