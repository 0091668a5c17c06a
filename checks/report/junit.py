"""A report as JUnit XML, which continuous integration shows: a suite per node, a case per finding."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from checks.finding import Finding
from checks.report.phrases import evidence, reason, where
from checks.report.report import Report, Verdict, verdict
from deploy.model.row import State


def render(report: Report) -> str:
    """Return one document; a warning is output of a passed case, an unread fact an error."""
    root = Element("testsuites", name=f"slipway {report.verb} {report.cluster}", time=f"{report.seconds:.3f}")
    suites: dict[str, list[Finding]] = {}
    for finding in report.findings:
        suites.setdefault(where(finding), []).append(finding)
    for name, findings in suites.items():
        _suite(root, report, name, findings)
    if report.rows:
        _plan(root, report)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, name: str, findings: list[Finding]) -> None:
    kinds = [verdict(finding) for finding in findings]
    suite = SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(findings)),
        failures=str(kinds.count(Verdict.ERROR)),
        errors=str(kinds.count(Verdict.UNAVAILABLE)),
        skipped=str(kinds.count(Verdict.SKIPPED)),
        timestamp=f"{report.started:%Y-%m-%dT%H:%M:%SZ}",
    )
    for finding, kind in zip(findings, kinds, strict=True):
        title = report.titles.get(finding.check, "")
        case = SubElement(
            suite,
            "testcase",
            classname=f"{report.verb}.{finding.group or 'checks'}",
            name=f"{finding.check} [{name}] {title}".rstrip(),
        )
        _outcome(case, finding, kind)


def _plan(root: Element, report: Report) -> None:
    """A night's plan is one suite: an operation that an apply would do is a failure, as nothing should be."""
    suite = SubElement(
        root,
        "testsuite",
        name="plan",
        tests=str(len(report.rows)),
        failures=str(len(report.pending)),
        errors=str(sum(row.state is State.ERROR for row in report.rows)),
        skipped="0",
        timestamp=f"{report.started:%Y-%m-%dT%H:%M:%SZ}",
    )
    for row in report.rows:
        case = SubElement(
            suite, "testcase", classname=f"{report.verb}.{row.phase}", name=f"{row.operation} [{row.host}]"
        )
        if row.ignored is not None:
            SubElement(case, "system-out").text = f"warning: {reason(row)}\n{row.diff or ''}".rstrip()
        elif row.state is not State.NONE:
            kind = "error" if row.state is State.ERROR else "failure"
            said = SubElement(case, kind, message=row.reason or "would change")
            said.text = row.diff or ""


def _outcome(case: Element, finding: Finding, kind: Verdict) -> None:
    lines = [
        finding.detail,
        finding.ignored and f"ignored: {finding.ignored}",
        finding.remedy and f"fix: {finding.remedy}",
    ]
    text = "\n".join(line for line in lines if line)
    said = evidence(finding)
    match kind:
        case Verdict.ERROR:
            SubElement(case, "failure", message=said).text = text
        case Verdict.UNAVAILABLE:
            SubElement(case, "error", message=said).text = text
        case Verdict.SKIPPED:
            SubElement(case, "skipped", message=said)
        case Verdict.WARNING | Verdict.NOTE:
            SubElement(case, "system-out").text = f"{kind}: {said}\n{text}".rstrip()
        case Verdict.PASS:
            SubElement(case, "system-out").text = said
